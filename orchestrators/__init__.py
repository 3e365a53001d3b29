"""The run, and the window that gathers new files. Deterministic: decisions are in ``batch/``, I/O in activities."""
