"""A POST that is lost, refused or interrupted again and again: one job, and the run says what was answered."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities import invoke
from batch.azure_ml.job import JobResource
from batch.azure_ml.rest import HttpError
from batch.errors import ErrorCode
from batch.run.request import RunRequest
from batch.settings import Settings
from tests.batch.builders import WORKSPACE_ID
from tests.faults.plan import Killed, Plan
from tests.faults.walk import MakeWorld, play
from tests.faults.world import World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

INTERRUPTIONS = 5
OUTAGE = 3_600
BUSY = "POST https://scores.example/jobs answered 503. It says: Busy with number 7."


class Posts:
    """Calls ``instead`` before each POST, with the number of the POST; ``times`` are when they came."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, world: World, instead: Callable[[int], None]) -> None:
        submit = invoke.submit
        self.times: list[float] = []
        begin = world.clock.now

        def post(*arguments: Any) -> Any:
            self.times.append((world.clock.now - begin).total_seconds())
            instead(len(self.times))
            return submit(*arguments)

        monkeypatch.setattr(invoke, "submit", post)


def _busy(*_: Any) -> None:
    raise HttpError(503, ErrorCode.SERVICE_UNAVAILABLE, BUSY)


def _user_error(*_: Any) -> None:
    error = HttpError(502, ErrorCode.SERVICE_UNAVAILABLE, "POST answered 502. It says: UserError: denied.")
    error.is_user_error = True
    raise error


async def _begun(make: MakeWorld, **fields: Any) -> World:
    world = await make(Plan())
    await world.already_rebuilt()
    assert await world.post(**fields) == 202
    return world


async def _message(world: World) -> str:
    _, view = await world.get()
    return str((view["problem"] or view["error"])["message"])


async def test_interruptions_between_claim_and_post_cost_nothing(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await _begun(make_world)

    def kill(number: int) -> None:
        if number <= INTERRUPTIONS:
            raise Killed

    posts = Posts(monkeypatch, world, kill)

    async def scenario(world: World) -> None:
        await world.settle()
        await world.assert_ended_once("Completed")
        assert len(posts.times) == INTERRUPTIONS + 1

    await play(world, scenario)


async def test_an_outage_of_the_endpoint_is_outlasted_with_few_posts(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await _begun(make_world)
    posts = Posts(monkeypatch, world, lambda _: _busy() if posts.times[-1] < OUTAGE else None)

    async def scenario(world: World) -> None:
        while world.clock.now.hour < 13:
            await world.runtime.step()
        assert BUSY.removesuffix(".") in await _message(world)
        await world.settle()
        await world.assert_ended_once("Completed")
        pauses = [after - before for before, after in zip(posts.times, posts.times[1:], strict=False)]
        assert min(pauses) >= 90
        assert 5 < len(pauses) < 15
        assert posts.times[-1] < OUTAGE + 900

    await play(world, scenario)


async def test_each_submission_scores_the_version_that_the_first_one_found(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await _begun(make_world, endpoint_input_uri="azureml:heart@latest")
    submit, sent = invoke.submit, []

    def post(run_id: str, job_tag: str, request: RunRequest, app: Settings) -> JobResource:
        sent.append(request.inputs["input_data"].uri)
        world.azure_ml.latest_version += 1
        if len(sent) < 3:
            _busy()
        return submit(run_id, job_tag, request, app)

    monkeypatch.setattr(invoke, "submit", post)

    async def scenario(world: World) -> None:
        await world.settle()
        await world.assert_ended_once("Completed")
        first = f"{WORKSPACE_ID}/data/heart/versions/1"
        assert sent == [first] * 3
        _, view = await world.get()
        assert view["resolved_inputs"] == {"input_data": first}
        assert view["request"]["inputs"]["input_data"]["uri"] == "azureml:heart@latest"

    await play(world, scenario)


async def test_an_outage_that_does_not_end_ends_the_run_at_its_timeout_with_the_last_answer(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the timeout falls: while the job may exist, or in a pause before the next POST."""
    phases = set()
    for timeout in range(1_800, 3_600, 60):
        world = await _begun(make_world, timeout=timeout)
        Posts(monkeypatch, world, _busy)
        await world.settle()
        _, view = await world.get()
        phases.add((view["phase"], view["error"]["code"]))
        await world.assert_ended_once(view["phase"], jobs=0)
        assert BUSY.removesuffix(".") in view["error"]["message"]
    assert phases == {("TimedOut", "timed_out"), ("Failed", "submission_uncertain")}


async def test_an_error_of_the_user_with_a_bad_status_ends_the_run_once_there_is_provably_no_job(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await _begun(make_world)
    posts = Posts(monkeypatch, world, _user_error)

    async def scenario(world: World) -> None:
        await world.settle()
        await world.assert_ended_once("Failed", jobs=0)
        _, view = await world.get()
        settled = datetime.fromisoformat(view["ended_at"]) - datetime.fromisoformat(view["started_at"])
        assert timedelta(seconds=90) < settled < timedelta(seconds=180)
        assert view["error"]["code"] == "request_rejected"
        assert "It says: UserError: denied." in view["error"]["message"]
        assert len(posts.times) == 1

    await play(world, scenario)


async def test_a_job_is_adopted_although_the_service_called_its_submission_an_error_of_the_user(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await _begun(make_world)
    submit = invoke.submit

    def lose(*arguments: Any) -> None:
        submit(*arguments)
        _user_error()

    monkeypatch.setattr(invoke, "submit", lose)

    async def scenario(world: World) -> None:
        await world.settle()
        await world.assert_ended_once("Completed")

    await play(world, scenario)
