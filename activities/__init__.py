"""The steps of a run that call Azure. Each takes and answers with a type of ``batch/run/steps.py``."""
