"""Jobs and their lives: status after status, scoring, storage. Knows nothing of HTTP."""
