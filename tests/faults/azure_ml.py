"""Azure ML on the clock of a walk: the endpoint's POST and GET, and the workspace's list and cancel."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from batch.azure_ml.endpoint import RUN_ID_TAG
from batch.run.steps import Explained, JobReason
from batch.timestamps import format_timestamp
from tests.batch.azure_ml.jobs import arm_job, endpoint_job
from tests.batch.builders import WORKSPACE_ID
from tests.faults.clock import Clock

_LISTED_AFTER = timedelta(seconds=60)
_STARTS_AFTER = timedelta(seconds=60)
_ENDS_AFTER = timedelta(seconds=200)


@dataclass
class FakeJob:
    name: str
    tags: dict[str, str]
    created_at: datetime
    outputs: tuple[str, ...] = ()
    canceled: bool = False

    @property
    def run_id(self) -> str:
        return self.tags[RUN_ID_TAG]


class FakeAzureMl:
    """A job ends as ``ends_as``, unless that is None: then it runs until it is canceled.

    The first ``preempted`` jobs of a run fail in any case, since their nodes are taken away. ``latest_version`` is
    that of each data asset. ``attempt_of`` looks up which attempt holds the claim of a run. ``attempts`` are those
    whose POST arrived.
    """

    def __init__(self, clock: Clock, attempt_of: Callable[[str], str | None]) -> None:
        self.clock = clock
        self.ends_as: str | None = "Completed"
        self.preempted = 0
        self.jobs: dict[str, FakeJob] = {}
        self.attempts: list[str | None] = []
        self.latest_version = 1
        self._attempt_of = attempt_of

    def jobs_of(self, run_id: str) -> list[FakeJob]:
        return [job for job in self.jobs.values() if job.run_id == run_id]

    def add(self, tags: dict[str, str], outputs: tuple[str, ...] = ()) -> FakeJob:
        job = FakeJob(f"batchjob-{len(self.jobs) + 1}", tags, self.clock.now, outputs)
        self.jobs[job.name] = job
        return job

    def answer(self, asked: requests.PreparedRequest) -> requests.Response:
        path = urlsplit(asked.url or "").path
        name = path.removesuffix("/cancel").rpartition("/")[2]
        if str(asked.url).startswith("https://management.azure.com/"):
            if asked.method == "POST":
                self.jobs[name].canceled = True
                return response(asked, 202, {})
            if "/data/" in path:
                return response(asked, 200, {"properties": {"latestVersion": str(self.latest_version)}})
            listed = [job for job in self.jobs.values() if job.created_at + _LISTED_AFTER <= self.clock.now]
            newest_first = sorted(listed, key=lambda job: job.created_at, reverse=True)
            return response(asked, 200, {"value": [self._arm(job) for job in newest_first]})
        if asked.method == "POST":
            properties = json.loads(asked.body or b"{}")["properties"]
            tags, outputs = properties["tags"], properties.get("outputData", {})
            self.attempts.append(self._attempt_of(tags[RUN_ID_TAG]))
            job = self.add(tags, tuple(output["uri"] for output in outputs.values()))
            return response(asked, 201, self._endpoint(job))
        return response(asked, 200, self._endpoint(self.jobs[name]))

    def assert_that_each_post_had_a_claim(self) -> None:
        assert None not in self.attempts
        assert [attempt for attempt, posts in Counter(self.attempts).items() if posts > 1] == []

    def explain(self, job_name: str) -> Explained:
        if not self._is_preempted(self.jobs[job_name]):
            return Explained(nothing_known=True)
        return Explained(
            reason=JobReason(code="UserError", message="PreemptionError: Nodes of this job got pre-empted.")
        )

    def assert_that_no_two_jobs_share_an_output(self) -> None:
        outputs = [output for job in self.jobs.values() for output in job.outputs]
        assert len(set(outputs)) == len(outputs)

    def assert_that_none_runs(self) -> None:
        assert self.at_work() == []

    def at_work(self) -> list[str]:
        """The names of the jobs that have not ended."""
        return [job.name for job in self.jobs.values() if self._status(job) in ("Preparing", "Running")]

    def _is_preempted(self, job: FakeJob) -> bool:
        return job in self.jobs_of(job.run_id)[: self.preempted]

    def _status(self, job: FakeJob) -> str:
        age = self.clock.now - job.created_at
        if job.canceled:
            return "Canceled"
        if age < _STARTS_AFTER:
            return "Preparing"
        ends_as = "Failed" if self._is_preempted(job) else self.ends_as
        return ends_as if ends_as and age >= _ENDS_AFTER else "Running"

    def _endpoint(self, job: FakeJob) -> dict[str, Any]:
        job_id = f"{WORKSPACE_ID}/batchEndpoints/scores/deployments/blue/jobs/{job.name}"
        return endpoint_job(job_id=job_id, status=self._status(job), tags=job.tags)

    def _arm(self, job: FakeJob) -> dict[str, Any]:
        listed = arm_job(created_at=format_timestamp(job.created_at), status=self._status(job), tags=job.tags)
        return {**listed, "id": f"{WORKSPACE_ID}/jobs/{job.name}", "name": job.name}


def response(
    asked: requests.PreparedRequest, status: int, body: object, headers: dict[str, str] | None = None
) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = json.dumps(body).encode()
    answer._content_consumed = True  # type: ignore[attr-defined]
    answer.url = asked.url or ""
    answer.request = asked
    answer.headers.update(headers or {})
    return answer
