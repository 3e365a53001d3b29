"""The window in which blobs of one folder are gathered into one run. What it means: ``batch/new_data/window.py``."""

import azure.durable_functions as df

from batch.names import FOLDER_WINDOW, WINDOW_CLAIM, WINDOW_TOUCH
from batch.new_data.window import Claim, FolderWindow, Touch, close, is_late, may_claim, note_late, touch

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=FOLDER_WINDOW)
def folder_window(context: df.DurableEntityContext) -> None:
    """``touch`` takes a Touch, ``claim`` takes a Claim."""
    state = context.get_state()
    window = FolderWindow.from_json(state) if state else None
    if context.operation_name == WINDOW_TOUCH:
        _touch(context, window, Touch.from_json(context.get_input()))
    elif context.operation_name == WINDOW_CLAIM:
        _claim(context, window, Claim.from_json(context.get_input()))
    else:
        raise ValueError(f"The folder window has no operation {context.operation_name}.")


# Both always set a result: for an operation without one the SDK returns that of the operation before it in the batch.


def _touch(context: df.DurableEntityContext, window: FolderWindow | None, touched: Touch) -> None:
    if window and is_late(window, touched):
        context.set_state(note_late(window, touched).to_json())
        context.set_result(None)
        return
    opened = touch(window, touched).to_json()
    context.set_state(opened)
    context.set_result(opened["opened_at"])


def _claim(context: df.DurableEntityContext, window: FolderWindow | None, claim: Claim) -> None:
    if window and not may_claim(window, claim):
        context.set_result(None)
        return
    context.set_result(window.claimed().to_json() if window else None)
    if window and claim.remembers:
        context.set_state(close(window, claim).to_json())
    else:
        context.destruct_on_exit()
