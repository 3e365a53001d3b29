"""The end of a log, for an error message."""

from pathlib import Path


def last_lines(log: Path, offset: int = 0, lines: int = 15) -> str:
    """Indented, each cut to 300 characters, without the bytes before ``offset``; empty without a log."""
    if not log.exists():
        return ""
    printed = log.read_bytes()[offset:].decode(errors="replace").rstrip().splitlines()
    return "\n".join(f"  {line[:300]}" for line in printed[-lines:])
