"""Names by which triggers, orchestrators, activities and entities know each other. Instances in flight keep them."""

BATCH_RUN = "batch_run"
NEW_DATA_WINDOW = "new_data_window"
NOTIFICATION = "notification"

AUTHORIZE = "authorize"
INVOKE = "invoke"
CHECK_STATUS = "check_status"
CANCEL_JOB = "cancel_job"
START_RUN = "start_run"
IGNORE_UPLOAD = "ignore_upload"
RECORD_END = "record_end"
EXPLAIN_JOB = "explain_job"
LOCATE_OUTPUTS = "locate_outputs"
NOTIFY = "notify"

FOLDER_WINDOW = "folder_window"
WINDOW_TOUCH = "touch"
WINDOW_CLAIM = "claim"

SUBMISSION = "submission"
JOB_OWNER = "job_owner"
JOB_OWNER_OWN = "own"
"""Of versions before 1.2. Their instances, and messages under way, still name them."""

NUDGE = "nudge"
"""The external event that says "check now". Its payload is never read."""
