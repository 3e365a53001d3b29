"""Whole numbers as people write them into settings and queries."""


def parse_whole_number(text: str, most: int) -> int:
    """From 1 to ``most``, in plain digits. Raises ValueError, whose text says so."""
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= most):
        raise ValueError(f"must be a whole number from 1 to {most}")
    return int(text)
