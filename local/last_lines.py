"""The end of a log, for a message: what broke stands there."""

from pathlib import Path


def last_lines(log: Path, offset: int = 0, lines: int = 15) -> str:
    """Indented, each cut to what fits a screen; bytes before ``offset`` do not count. Empty without a log."""
    if not log.exists():
        return ""
    printed = log.read_bytes()[offset:].decode(errors="replace").rstrip().splitlines()
    return "\n".join(f"  {line[:300]}" for line in printed[-lines:])
