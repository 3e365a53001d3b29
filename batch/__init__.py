"""The domain, in four rooms over shared files. None of it knows Azure Functions.

- ``run``: a run, from its request to its outcome: state, steps, decisions, what it reports.
- ``azure_ml``: the batch endpoint, the workspace's jobs, and the tokens for both.
- ``api``: what callers send and receive: requests, views, the list, the OpenAPI document.
- ``new_data``: rules by which uploaded files start runs.

``new_data`` imports ``api`` and ``run``; ``azure_ml`` and ``api`` import ``run``; all import the shared files
beside this one. ``make check`` enforces it. The names of orchestrators, activities and entities: ``names.py``.
"""
