"""Jobs on a disk that takes no writes for a while."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from local.azure_ml.config import Deployment, even_pace
from local.azure_ml.jobs.job import Creator, Job, JobRequest, new_job
from local.azure_ml.jobs.store import JobStore


def job(now: float) -> Job:
    return new_job(Deployment("d"), JobRequest(), Creator("runner", "Application"), even_pace(1), now)


@pytest.mark.parametrize("written_by", ["the next job", "the end of the service"])
def test_a_job_that_cannot_be_written_is_written_later(
    tmp_path: Path, written_by: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "jobs.db"
    first, second, third = (job(float(number)) for number in range(3))
    with closing(JobStore(path)) as store:
        store.save(first)
        store._db.execute("PRAGMA query_only = 1")
        store.save(replace(first, status="Failed"))
        store.save(second)
        assert "2 jobs are not written yet" in caplog.text
        store._db.execute("PRAGMA query_only = 0")
        expected = [replace(first, status="Failed"), second]
        if written_by == "the next job":
            store.save(third)
            expected.append(third)
            assert store.load() == expected
    with closing(JobStore(path)) as again:
        assert again.load() == expected
