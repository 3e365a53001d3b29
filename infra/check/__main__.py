"""Prints the findings about ``infra/``; the exit code is 1 if there are any."""

import sys
from pathlib import Path

from infra.check.check import check, notes
from infra.check.project import Project


def main() -> int:
    project = Project(Path(), {})
    findings = check(project)
    for finding in findings:
        print(finding)
    for note in notes(project):
        print(f"note: {note}")
    templates = len(project.templates)
    print(f"{templates} templates checked: " + (f"{len(findings)} findings" if findings else "no findings"))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
