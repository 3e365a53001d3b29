"""A host for Python apps on Azure Functions and Durable Functions, in one process. ``host.py`` connects its parts."""
