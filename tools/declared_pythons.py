"""The versions of Python that the project declares in pyproject.toml."""

import re
import tomllib


def declared_pythons(pyproject: str) -> list[str]:
    """Minor versions such as ``3.11``, lowest first. ``pyproject`` is the file's text. Raises ValueError."""
    declared = tomllib.loads(pyproject)["project"]["requires-python"]
    found = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", declared)
    if found is None:
        raise ValueError(f"requires-python is {declared!r}, not of the form '>=3.a,<3.b'")
    return [f"3.{minor}" for minor in range(int(found[1]), int(found[2]))]
