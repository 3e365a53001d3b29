"""The ledger that belongs to a task hub."""

import os
from functools import lru_cache

import azure.durable_functions as df

from batch.settings import app_settings
from ledger.connection import find_store, open_table
from ledger.table import Table
from task_hub.management_api import management_api


def ledger_of(client: df.DurableOrchestrationClient) -> Table:
    """Raises SettingsError if the connection of the task hub is not set."""
    return _table(management_api(client).hub_name)


def check_connection() -> None:
    """Raises SettingsError if there can be no ledger. Nothing is opened or asked."""
    find_store(os.environ, app_settings().cloud)


@lru_cache(maxsize=1)
def _table(hub_name: str) -> Table:
    return open_table(hub_name, os.environ, app_settings().cloud)
