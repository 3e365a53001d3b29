"""The durable engine: one machine, one process, one SQLite file. Callers use ``task_hub``; read that file first.

``dispatcher`` starts all work. An episode (``episode_runner``) gets the actions of the orchestrator from the SDK;
``episode`` decides what they mean, as a pure function over ``action_runner`` and ``replay``; ``transitions`` commits
the result in one transaction of the ``store``. JSON of the app stays text in the engine, so that it is never encoded
a second time.
"""
