"""The window in which blobs of one folder are gathered into one run. What it means: ``batch/new_data/window.py``."""

import azure.durable_functions as df

from batch.names import FOLDER_WINDOW, WINDOW_CLAIM, WINDOW_TOUCH
from batch.new_data.window import Claim, FolderWindow, Touch, may_claim, touch

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=FOLDER_WINDOW)
def folder_window(context: df.DurableEntityContext) -> None:
    """``touch`` takes a Touch, ``claim`` takes a Claim."""
    state = context.get_state()
    window = FolderWindow.from_json(state) if state else None
    if context.operation_name == WINDOW_TOUCH:
        touched = touch(window, Touch.from_json(context.get_input())).to_json()
        context.set_state(touched)
        context.set_result(touched["opened_at"])
    elif context.operation_name == WINDOW_CLAIM:
        claimed = window is not None and may_claim(window, Claim.from_json(context.get_input()))
        # Always set: for an operation without a result the SDK returns that of the operation before it in the batch.
        context.set_result(window.source.to_json() if window and claimed else None)
        if window is None or claimed:
            context.destruct_on_exit()
    else:
        raise ValueError(f"The folder window has no operation {context.operation_name}.")
