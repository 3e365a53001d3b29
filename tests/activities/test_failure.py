"""An activity that crashes raises a text of which the Functions host cuts nothing out."""

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from activities import (
    authorize,
    cancel_job,
    check_status,
    explain_job,
    failure,
    invoke,
    locate_outputs,
    record_end,
    start_run,
)
from activities.failure import with_readable_failure
from batch.errors import ActivityFailed
from functions_host.worker.redaction import without_credentials
from tests.host_texts import HIDDEN_FROM

MODULES = [authorize, cancel_job, check_status, explain_job, invoke, locate_outputs, record_end, start_run]


def sync_activity(value: str) -> str:
    if value.startswith("fail"):
        raise ValueError(value)
    return value


async def async_activity(value: str) -> str:
    return sync_activity(value)


async def outcome(activity: Callable[..., Any], value: str) -> Any:
    answer = with_readable_failure(activity)(value)
    return await answer if inspect.isawaitable(answer) else answer


both = pytest.mark.parametrize("activity", [sync_activity, async_activity])


@both
async def test_an_answer_is_returned_unchanged(activity: Callable[..., Any]) -> None:
    assert await outcome(activity, "answer") == "answer"


@both
@pytest.mark.parametrize("token", HIDDEN_FROM)
async def test_the_whole_text_reaches_the_orchestration(activity: Callable[..., Any], token: str) -> None:
    with pytest.raises(ActivityFailed) as caught:
        await outcome(activity, f"fail: '{token}1/a' is \"bad\",\n as <b> says")

    text = str(caught.value)
    assert without_credentials(text) == text
    assert text.startswith("ValueError: fail: ")
    assert text.endswith("as <b> says")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@both
async def test_the_traceback_is_logged(
    activity: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ActivityFailed), caplog.at_level(logging.ERROR):
        await outcome(activity, "fail")
    [record] = caplog.records
    assert record.getMessage() == f"activity_broke activity={activity.__name__}"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


def test_the_decorator_keeps_the_signature_of_the_activity() -> None:
    """The worker reads parameters and annotations, and whether the function is async."""
    for activity in (sync_activity, async_activity):
        wrapped = with_readable_failure(activity)
        assert inspect.signature(wrapped) == inspect.signature(activity)
        assert inspect.iscoroutinefunction(wrapped) == inspect.iscoroutinefunction(activity)


@pytest.mark.parametrize("module", MODULES)
def test_every_activity_has_the_decorator(module: Any) -> None:
    [builder] = module.bp._function_builders
    assert any(layer.__code__.co_filename == failure.__file__ for layer in _layers(builder))


@pytest.mark.parametrize("module", MODULES)
def test_no_activity_takes_a_thread_of_the_worker(module: Any) -> None:
    """Orchestrators and entities run in these few threads, and so would an activity that is not async."""
    [builder] = module.bp._function_builders
    assert inspect.iscoroutinefunction(builder._function.get_user_function())


def _layers(builder: Any) -> Iterator[Any]:
    """The functions that the decorators wrapped around the activity, from the outside in."""
    layer = builder._function.get_user_function()
    while layer is not None:
        yield layer
        layer = getattr(layer, "__wrapped__", None)
