"""A run, from its request to its outcome. Start with ``state.py``; ``next_step.py`` and ``outcome.py`` decide."""
