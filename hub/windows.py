"""Starts the orchestration that stands for one blob under a folder rule."""

import azure.durable_functions as df

from batch.folder_upload import FolderUpload
from batch.function_names import NEW_DATA_WINDOW
from hub.instances import instance_status


async def start_window(client: df.DurableOrchestrationClient, upload: FolderUpload) -> bool:
    """Whether this call started it; a delivery of the same content before did otherwise."""
    instance_id = f"window-{upload.run_id}"
    if await instance_status(client, instance_id):
        return False
    try:
        await client.start_new(NEW_DATA_WINDOW, instance_id, upload.to_json())
    except Exception:  # the SDK raises nothing narrower for "already running"
        if not await instance_status(client, instance_id):
            raise
        return False
    return True
