import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.run.job_status import Bucket, bucket_of, canonical

BUCKETS = {
    Bucket.WAITING: ["NotStarted", "Queued", "Preparing", "Provisioning", "Starting"],
    Bucket.WORKING: ["Running", "Finalizing", "CancelRequested"],
    Bucket.ENDED: ["Completed", "Failed", "Canceled"],
    Bucket.UNCLEAR: ["NotResponding", "Paused", "Unknown", "Scheduled", "Succeeded", "Cancelled", ""],
}
KNOWN = [status for statuses in BUCKETS.values() for status in statuses if status]
TABLE = [(status, bucket) for bucket, statuses in BUCKETS.items() for status in statuses]


@pytest.mark.parametrize(("status", "bucket"), TABLE)
def test_every_status_has_its_bucket_in_any_case(status: str, bucket: Bucket) -> None:
    for spelling in (status, status.lower(), status.upper(), status.swapcase(), f" {status}\n"):
        assert bucket_of(spelling) is bucket


@pytest.mark.parametrize("status", [status for status, bucket in TABLE if bucket is not Bucket.UNCLEAR])
def test_a_known_status_is_spelled_as_azure_ml_spells_it(status: str) -> None:
    assert canonical(status.lower()) == canonical(f"\t{status.upper()} ") == status


@given(st.text().filter(lambda text: text.strip().casefold() not in {status.casefold() for status in KNOWN}))
def test_an_unknown_status_does_not_end_a_run(status: str) -> None:
    assert bucket_of(status) is Bucket.UNCLEAR
    assert canonical(status) == status.strip()


@given(st.sampled_from(KNOWN) | st.text())
def test_the_canonical_spelling_of_a_canonical_spelling_is_the_same(status: str) -> None:
    assert canonical(canonical(status)) == canonical(status)
    assert bucket_of(canonical(status)) is bucket_of(status)
