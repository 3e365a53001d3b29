"""Loads the app and invokes its functions, through the core of the production Python worker.

Read ``python_worker`` first.
"""
