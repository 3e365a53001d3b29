"""What a run asks of each of its jobs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.run.request import Binding
from tests.batch.builders import request


@pytest.mark.parametrize(
    ("uri", "second"),
    [
        (
            "azureml://datastores/lake/paths/out/r-1.csv",
            "azureml://datastores/lake/paths/out/attempt-2/r-1.csv",
        ),
        ("azureml://datastores/lake/paths/r-1.csv", "azureml://datastores/lake/paths/attempt-2/r-1.csv"),
        ("azureml://datastores/lake/paths/out/r-1/", "azureml://datastores/lake/paths/out/attempt-2/r-1/"),
        ("azureml://datastores/lake/paths/paths/r", "azureml://datastores/lake/paths/paths/attempt-2/r"),
        ("azureml://datastores/lake/paths/", "azureml://datastores/lake/paths/attempt-2"),
        (
            "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/lake/paths/out/r-1",
            "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/lake/paths/out/attempt-2/r-1",
        ),
        (
            "azureml:/subscriptions/s/datastores/lake/paths/r",
            "azureml:/subscriptions/s/datastores/lake/paths/attempt-2/r",
        ),
        ("https://a.blob.core.windows.net/c/out/r-1", "https://a.blob.core.windows.net/c/out/attempt-2/r-1"),
        ("https://a.blob.core.windows.net/c/r-1", "https://a.blob.core.windows.net/c/attempt-2/r-1"),
        ("https://a.blob.core.windows.net/c", "https://a.blob.core.windows.net/c/attempt-2"),
        ("abfss://c@a.dfs.core.windows.net/r-1", "abfss://c@a.dfs.core.windows.net/attempt-2/r-1"),
        ("wasbs://c@a.blob.core.windows.net", "wasbs://c@a.blob.core.windows.net/attempt-2"),
    ],
)
def test_a_later_job_has_an_output_of_its_own(uri: str, second: str) -> None:
    asked = request(outputs={"scores": Binding(type="UriFile", uri=uri)}, job_attempts=3)
    assert asked.of_job(1) == asked
    assert asked.of_job(2).output_uris() == {"scores": second}
    assert asked.of_job(3).output_uris() == {"scores": second.replace("attempt-2", "attempt-3")}


@given(
    st.from_regex(
        r"azureml://datastores/[a-z]{1,3}/paths/([a-z.%-]{1,3}/){0,3}([a-z.%-]{1,3})?", fullmatch=True
    ),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_no_two_jobs_have_the_same_output(uri: str, one: int, other: int) -> None:
    asked = request(outputs={"scores": Binding(type="UriFile", uri=uri, template="x")})
    [first], [second] = (asked.of_job(number).outputs.values() for number in (one, other))
    assert (first == second) == (one == other)
    assert (first.type, first.template) == ("UriFile", "x")


def test_what_else_was_asked_for_stays() -> None:
    asked = request(outputs={}, deployment="blue", job_attempts=2)
    assert asked.of_job(2) == asked
    asked = request()
    assert asked.of_job(2).model_copy(update={"outputs": asked.outputs}) == asked
