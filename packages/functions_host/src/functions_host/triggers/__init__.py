"""Timer and Event Grid triggers, and runs by hand. Read ``timer`` and ``event_grid`` first."""
