"""The durable engine of the local Functions host: one machine, one process, one SQLite file.

``task_hub`` is what callers use; ``dispatcher`` keeps the work going. An episode (``episode_runner``) asks
the SDK for its actions and lets ``episode`` decide, as a pure function over ``shim`` and ``replay``, what
they mean; ``transitions`` writes that down in one transaction of the ``store``.
"""
