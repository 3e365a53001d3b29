"""What Azure does not have: faults on demand, holds, and a log of requests. ``local/README.md`` is the manual."""
