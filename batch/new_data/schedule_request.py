"""From a due time of a schedule to the id and the request of its run."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from batch.api.request import parse_fields
from batch.data_uri import RUN_ID_PLACEHOLDER
from batch.new_data.schedule import ScheduleRule
from batch.new_data.template import fill, times
from batch.run.request import RunRequest
from batch.settings import Settings


def scheduled_run_id(schedule: ScheduleRule, due: datetime) -> str:
    """The same whoever starts the run of this due time."""
    return f"{schedule.id}-{due.astimezone(UTC):%Y%m%dT%H%MZ}"


def scheduled_request(schedule: ScheduleRule, due: datetime, settings: Settings) -> RunRequest:
    """The request of the run of this due time. Raises InvalidRequest."""
    run_id = scheduled_run_id(schedule, due)
    values = times(due.astimezone(ZoneInfo(schedule.time_zone)) - timedelta(days=schedule.days_back))
    fields = {
        **schedule.request_fields(),
        "run_id": run_id,
        "endpoint_input_type": schedule.input_type,
        "endpoint_input_uri": fill(schedule.input_uri, {**values, "run_id": run_id}),
        # The request fills in the run id, and keeps the URI as it was before.
        "endpoint_output_uri": fill(
            schedule.output_template(f"{schedule.name}/", settings),
            {**values, "run_id": RUN_ID_PLACEHOLDER},
        ),
    }
    return parse_fields(fields, None, settings)[1]
