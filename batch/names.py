"""Names by which triggers, orchestrators, activities and entities know each other."""

BATCH_RUN = "batch_run"
NEW_DATA_WINDOW = "new_data_window"

AUTHORIZE = "authorize"
INVOKE = "invoke"
CHECK_STATUS = "check_status"
CANCEL_JOB = "cancel_job"
START_RUN = "start_run"

SUBMISSION = "submission"
FOLDER_WINDOW = "folder_window"
JOB_OWNER = "job_owner"

NUDGE = "nudge"
"""The external event that says "check now". Its payload is never read."""
