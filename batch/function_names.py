"""Names by which triggers, orchestrators, activities and entities know each other."""

BATCH_RUN = "batch_run"

AUTHORIZE = "authorize"
INVOKE = "invoke"
CHECK_STATUS = "check_status"
CANCEL_JOB = "cancel_job"

SUBMISSION = "submission"

NUDGE = "nudge"
"""The external event that says "check now". Its payload is never read."""
