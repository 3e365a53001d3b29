"""Runs the app on one machine without Azure: see ``local/README.md``. Never deployed."""
