"""The window in which blobs of one folder are gathered into one run. What it means: ``batch/new_data/window.py``."""

from datetime import datetime, timedelta

import azure.durable_functions as df

from batch.names import FOLDER_WINDOW
from batch.new_data.window import FolderWindow, may_claim, touch
from batch.run.source import DataSource

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=FOLDER_WINDOW)
def folder_window(context: df.DurableEntityContext) -> None:
    """Operations: ``touch`` {toucher, now, source} answers when the window opened; ``claim`` {claimant, now,
    longest_wait_seconds} answers the source that the claimant gets, or nothing."""
    window = FolderWindow.from_json(context.get_state())
    asked = context.get_input()
    now = datetime.fromisoformat(asked["now"])
    if context.operation_name == "touch":
        window = touch(window, asked["toucher"], now, DataSource.model_validate(asked["source"]))
        context.set_state(window.to_json())
        context.set_result(window.to_json()["opened_at"])
    elif context.operation_name == "claim":
        longest_wait = timedelta(seconds=asked["longest_wait_seconds"])
        claimed = window is not None and may_claim(window, asked["claimant"], now, longest_wait)
        # Always set: the SDK answers an operation without a result with that of the one before it in the batch.
        context.set_result(window.source.to_json() if window and claimed else None)
        if window is None or claimed:
            context.destruct_on_exit()
    else:
        raise ValueError(f"The folder window has no operation {context.operation_name}.")
