"""What answers of Azure Resource Manager say about the workspace and its jobs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.addresses import WorkspaceId
from batch.azure_ml import workspace_jobs
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.azure_ml.workspace_jobs import JobList
from batch.errors import ErrorCode, RunError
from batch.timestamps import format_timestamp
from tests.batch.azure_ml.jobs import arm_job
from tests.batch.builders import START, WORKSPACE_ID, after, settings


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [
        (404, ErrorCode.NOT_FOUND, ErrorCode.WORKSPACE_NOT_FOUND),
        (403, ErrorCode.ACCESS_DENIED, ErrorCode.ACCESS_DENIED),
        (503, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.SERVICE_UNAVAILABLE),
    ],
)
def test_only_the_code_of_a_404_is_that_of_the_workspace(
    monkeypatch: pytest.MonkeyPatch, status: int, answered: ErrorCode, code: ErrorCode
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise HttpError(status, answered, "It says no.", retry_after=7.0)

    monkeypatch.setattr(workspace_jobs, "post_once", refuse)
    with pytest.raises(HttpError) as error:
        workspace_jobs.cancel(WorkspaceId(WORKSPACE_ID), "batchjob-1", settings())
    assert (error.value.code, error.value.status) == (code, status)
    assert (error.value.message, error.value.retry_after) == ("It says no.", 7.0)


class Pages:
    """Answers reads of the list; ``asked`` has the $skip of each."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = list(pages)
        self.asked: list[str | None] = []

    def __call__(self, url: str, audience: str, params: dict[str, str]) -> dict[str, Any]:
        self.asked.append(params.get("$skip"))
        return self._pages.pop(0)


def _page(*entries: Any, skip: str | None = None) -> dict[str, Any]:
    link = {"nextLink": f"https://elsewhere.example/jobs?$skip={skip}"} if skip else {}
    return {"value": list(entries), **link}


def _job(name: str, seconds: float) -> dict[str, Any]:
    return {**arm_job(created_at=format_timestamp(after(seconds))), "name": name}


def _listed(monkeypatch: pytest.MonkeyPatch, *pages: dict[str, Any]) -> JobList:
    monkeypatch.setattr(workspace_jobs, "read", Pages(*pages))
    return workspace_jobs.jobs_since(START, WorkspaceId(WORKSPACE_ID), settings())


def test_all_pages_are_read_until_jobs_are_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages(
        _page(_job("c", 20), _job("b", 10), skip="1"),
        _page(_job("b", 10), _job("a", -10), skip="2"),
        _page(_job("z", -4_000), skip="3"),
    )
    monkeypatch.setattr(workspace_jobs, "read", pages)
    listed = workspace_jobs.jobs_since(START, WorkspaceId(WORKSPACE_ID), settings())
    assert [job.name for job in listed.jobs] == ["c", "b"]
    assert pages.asked == [None, "1", "2"]


def test_a_list_in_another_order_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = _listed(
        monkeypatch,
        _page(_job("a", 10), _job("b", 20), skip="1"),
        _page(_job("old", -4_000), skip="2"),
        _page(_job("c", 30)),
    )
    assert [job.name for job in listed.jobs] == ["a", "b", "c"]


def test_an_entry_that_cannot_be_read_is_noted_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = _job("_private job", 15)
    broken["id"] = "x/_private job"
    without_status = _job("b", 12)
    without_status["properties"]["status"] = None
    old = _job("old", -100)
    old["properties"] = None
    listed = _listed(
        monkeypatch, _page(_job("c", 20), broken, without_status, None, ["x"], _job("a", 10), old)
    )
    assert [job.name for job in listed.jobs] == ["c", "a"]
    assert [entry.created_at for entry in listed.unreadable] == [after(15), after(12), None, None]
    assert [entry.experiment for entry in listed.unreadable] == ["scores", "scores", None, None]
    assert "is not a job" in listed.unreadable[0].reason


@pytest.mark.parametrize(
    "page",
    [
        {"value": None},
        {"value": {"a": 1}},
        {},
        {"value": [], "nextLink": "https://[::1"},
        {"value": [], "nextLink": "https://elsewhere.example/jobs"},
        {"value": [], "nextLink": "https://elsewhere.example/jobs?$skip="},
        {"value": [], "nextLink": ["x"]},
        {"value": [], "nextLink": 7},
    ],
)
def test_a_broken_list_is_a_lost_answer(page: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnswerLost):
        _listed(monkeypatch, page)


def test_a_list_whose_links_never_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [_page(_job("a", 10), skip="1") for _ in range(workspace_jobs.MAX_PAGES)]
    with pytest.raises(RunError, match="more than 200 pages"):
        _listed(monkeypatch, *pages)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Running", "https://[::1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "properties", "status", "tags", "systemData", "createdAt"])
            | st.sampled_from(["experimentName", "services", "Studio", "endpoint", "inputData", "uri"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"value": st.lists(_json) | _json}, optional={"nextLink": _json}))
def test_whatever_the_list_is_it_is_read_or_fails_in_our_words(page: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(workspace_jobs, "read", lambda *_: page)
        try:
            listed = workspace_jobs.jobs_since(START, WorkspaceId(WORKSPACE_ID), settings())
        except RunError:
            return
    assert len(listed.jobs) + len(listed.unreadable) <= len(page["value"])
