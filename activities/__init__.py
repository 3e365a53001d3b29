"""The steps that do I/O. Their inputs and answers are types of ``batch/run/steps.py``."""
