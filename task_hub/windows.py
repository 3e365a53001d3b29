"""Starts the orchestration of one blob under a folder rule."""

import azure.durable_functions as df

from batch.names import NEW_DATA_WINDOW
from batch.new_data.upload import FolderUpload
from task_hub.instances import instance_status, start_once


async def start_window(client: df.DurableOrchestrationClient, upload: FolderUpload) -> None:
    """Does nothing if an earlier delivery of the same content started it."""
    instance_id = f"window-{upload.run_id}"
    await start_once(
        client, NEW_DATA_WINDOW, instance_id, upload.to_json(), lambda: instance_status(client, instance_id)
    )
