"""Submissions through the durable client: rows of this version, and entities that an earlier version left."""

import json
from typing import Any

import pytest

from batch.errors import RunError
from batch.run.state import Run
from batch.run.submission import Submission
from ledger.runs import find_row
from task_hub.earlier_version import adopt
from task_hub.job_owners import own_job, owner_of
from task_hub.runs import find_in_hub
from task_hub.submissions import (
    Canceled,
    Claimed,
    Taken,
    cancel_submission,
    claim_submission,
    record_lost_answer,
    record_search,
    release_submission,
    row_of,
)
from tests.batch.builders import custom_status, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import RUN, added, ended, found
from tests.task_hub.task_hub import TaskHub, entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

NOON = "2026-01-31T12:00:00.000Z"
LATER = "2026-01-31T12:00:30.000Z"
FREE = Submission()
CLAIMED = Submission(marker="a", attempt="a", claimed_at=NOON, claims=1)
LOST = CLAIMED.lose("a", LATER)
RELEASED = CLAIMED.release("a")
AGAIN = Submission(marker="a", attempt="b", claimed_at=LATER, claims=2)
STATES = {
    "free": FREE,
    "claimed": CLAIMED,
    "lost": LOST,
    "released": RELEASED,
    "claimed again": AGAIN,
    "canceled": FREE.cancel(),
    "claimed and canceled": CLAIMED.cancel(),
}


def of_earlier_version(submission: Submission | None, state: Run = RUN, **fields: Any) -> TaskHub:
    """A run in flight. With None it has no entity, with FREE one whose state is as it began."""
    flight = {"runtimeStatus": "Running", "customStatus": custom_status(state), **fields}
    entities = [entity("submission", "r-1", submission.to_json())] if submission else []
    return TaskHub([instance("r-1", input=json.dumps(state.to_json()), **flight), *entities])


def keep(hub: TaskHub, submission: Submission) -> None:
    """What a host of the earlier version writes to the entity."""
    one = entity("submission", "r-1", submission.to_json())
    hub.instances[one["instanceId"]] = one


async def test_a_run_of_this_version_asks_no_entity(table: CountingTable) -> None:
    await added(table)
    hub = TaskHub([])
    with hub.served() as client:
        row = await row_of(client, "r-1")
        claim = await claim_submission(client, row)
        assert isinstance(claim, Claimed)
    assert hub.asked == []
    assert (await found(table)).submission == claim.submission


async def test_one_attempt_holds_the_claim_until_it_is_released(table: CountingTable) -> None:
    await added(table)
    with TaskHub([]).served() as client:
        first = await claim_submission(client, await row_of(client, "r-1"))
        assert isinstance(first, Claimed)
        second = await claim_submission(client, await row_of(client, "r-1"))
        assert second == Taken(first.submission)
        await release_submission(client, await row_of(client, "r-1"), first.attempt)
        third = await claim_submission(client, await row_of(client, "r-1"))
    assert isinstance(third, Claimed)
    assert third.attempt != first.attempt
    assert third.submission.marker == first.attempt


async def test_it_is_recorded_since_when_searches_are_in_doubt(table: CountingTable) -> None:
    await added(table)
    with TaskHub([]).served() as client:
        assert isinstance(await claim_submission(client, await row_of(client, "r-1")), Claimed)
        await record_search(client, await row_of(client, "r-1"), in_doubt=True)
        since = (await found(table)).submission.undecided_since
        row, written = await row_of(client, "r-1"), table.writes
        await record_search(client, row, in_doubt=True)
        assert table.writes == written
        assert since is not None
        assert (await found(table)).submission.undecided_since == since
        await record_search(client, row, in_doubt=False)
    assert (await found(table)).submission.undecided_since is None


async def test_a_claim_takes_the_place_of_the_one_whose_job_is_provably_absent(table: CountingTable) -> None:
    await added(table)
    with TaskHub([]).served() as client:
        first = await claim_submission(client, await row_of(client, "r-1"))
        assert isinstance(first, Claimed)
        await record_lost_answer(
            client, await row_of(client, "r-1"), first.attempt, "It says no.", refused=True
        )
        lost = (await found(table)).submission
        assert lost.lost_at
        assert (lost.lost_posts, lost.last_answer, lost.refused) == (1, "It says no.", True)
        second = await claim_submission(client, await row_of(client, "r-1"), instead_of=first.attempt)
        assert isinstance(second, Claimed)
        late = await claim_submission(client, await row_of(client, "r-1"), instead_of=first.attempt)
    assert late == Taken(second.submission)


async def test_instead_of_an_attempt_that_has_released_its_claim_nothing_is_claimed(
    table: CountingTable,
) -> None:
    await added(table)
    with TaskHub([]).served() as client:
        first = await claim_submission(client, await row_of(client, "r-1"))
        assert isinstance(first, Claimed)
        await release_submission(client, await row_of(client, "r-1"), first.attempt)
        row = await row_of(client, "r-1")
        assert await claim_submission(client, row, instead_of=first.attempt) == Taken(row.submission)
        assert isinstance(await claim_submission(client, row), Claimed)


async def test_after_a_cancel_there_is_no_claim(table: CountingTable) -> None:
    await added(table)
    with TaskHub([]).served() as client:
        await cancel_submission(client, "r-1")
        await cancel_submission(client, "r-1")
        assert await claim_submission(client, await row_of(client, "r-1")) == Canceled()
    assert (await found(table)).submission == FREE.cancel()


async def test_a_cancel_while_a_claim_is_held_leaves_it(table: CountingTable) -> None:
    await added(table)
    with TaskHub([]).served() as client:
        first = await claim_submission(client, await row_of(client, "r-1"))
        assert isinstance(first, Claimed)
        await cancel_submission(client, "r-1")
        row = await row_of(client, "r-1")
        assert row.submission == first.submission.cancel()
        again = await claim_submission(client, row, instead_of=first.attempt)
    assert again == Canceled()


@pytest.mark.parametrize("state", STATES)
async def test_a_run_of_an_earlier_version_goes_on_with_the_submission_of_its_entity(
    table: CountingTable, state: str
) -> None:
    hub = of_earlier_version(STATES[state])
    with hub.served() as client:
        row = await row_of(client, "r-1")
    assert row.submission == STATES[state]
    assert (row.earlier, row.request) == (True, RUN.request.fingerprint())
    kept = await found(table)
    assert (kept.submission, kept.earlier) == (STATES[state], True)


@pytest.mark.parametrize(
    ("state", "claim"),
    [
        (None, Claimed),
        ("free", Claimed),
        ("claimed", Taken),
        ("lost", Taken),
        ("released", Claimed),
        ("claimed again", Taken),
        ("canceled", Canceled),
        ("claimed and canceled", Taken),
    ],
)
async def test_who_may_submit_the_job_of_a_run_of_an_earlier_version(
    table: CountingTable, state: str | None, claim: type
) -> None:
    hub = of_earlier_version(STATES[state] if state else None)
    with hub.served() as client:
        answer = await claim_submission(client, await row_of(client, "r-1"))
    assert isinstance(answer, claim)
    if state == "released":
        assert answer.submission.marker == "a", "every job of the run has the tag of its first attempt"


async def test_an_adopted_run_sees_a_claim_that_comes_to_the_entity_afterwards(table: CountingTable) -> None:
    """While hosts of both versions run, a host of the earlier one may deliver its step."""
    hub = of_earlier_version(FREE)
    with hub.served() as client:
        await row_of(client, "r-1")
        keep(hub, CLAIMED)
        answer = await claim_submission(client, await row_of(client, "r-1"))
    assert answer == Taken(CLAIMED)
    assert (await found(table)).submission == CLAIMED


async def test_an_adopted_run_sees_a_second_claim_that_comes_to_the_entity_afterwards(
    table: CountingTable,
) -> None:
    """The job of the first is provably absent then, but not that of the second."""
    hub = of_earlier_version(CLAIMED)
    with hub.served() as client:
        await row_of(client, "r-1")
        keep(hub, AGAIN)
        row = await row_of(client, "r-1")
        assert await claim_submission(client, row) == Taken(AGAIN)
        late = await claim_submission(client, row, instead_of="a")
    assert late == Taken(AGAIN)
    assert (await found(table)).submission == AGAIN


async def test_an_adopted_run_keeps_its_own_claim_instead_of_one_of_the_entity(table: CountingTable) -> None:
    hub = of_earlier_version(CLAIMED)
    with hub.served() as client:
        claim = await claim_submission(client, await row_of(client, "r-1"), instead_of="a")
        assert isinstance(claim, Claimed)
        assert (await row_of(client, "r-1")).submission == claim.submission
        await release_submission(client, await row_of(client, "r-1"), claim.attempt)
        assert (await row_of(client, "r-1")).submission == claim.submission.release(claim.attempt)


@pytest.mark.parametrize("kept", [FREE, CLAIMED])
async def test_an_adopted_run_sees_a_cancel_that_comes_to_the_entity_afterwards(
    table: CountingTable, kept: Submission
) -> None:
    hub = of_earlier_version(kept)
    with hub.served() as client:
        await row_of(client, "r-1")
        keep(hub, kept.cancel())
        row = await row_of(client, "r-1")
    assert row.submission == (await found(table)).submission == kept.cancel()


async def test_a_claim_in_the_row_is_not_replaced_by_what_the_entity_holds(table: CountingTable) -> None:
    hub = of_earlier_version(FREE)
    with hub.served() as client:
        claim = await claim_submission(client, await row_of(client, "r-1"))
        assert isinstance(claim, Claimed)
        keep(hub, AGAIN.cancel())
        row = await row_of(client, "r-1")
    assert row.submission == claim.submission.cancel()


async def test_a_cancel_in_the_row_stays_whatever_the_entity_holds(table: CountingTable) -> None:
    hub = of_earlier_version(CLAIMED)
    with hub.served() as client:
        await cancel_submission(client, "r-1")
        keep(hub, AGAIN)
        row = await row_of(client, "r-1")
    assert row.submission.cancel_requested


async def test_a_row_with_the_submission_of_the_entity_can_be_changed(table: CountingTable) -> None:
    """It was changed when it was read, so its tag is an old one."""
    hub = of_earlier_version(FREE)
    with hub.served() as client:
        await row_of(client, "r-1")
        keep(hub, CLAIMED)
        row = await row_of(client, "r-1")
        await release_submission(client, row, "a")
        assert (await found(table)).submission == RELEASED


async def test_the_entity_of_an_ended_run_is_not_read(table: CountingTable) -> None:
    hub = of_earlier_version(CLAIMED, runtimeStatus="Completed")
    with hub.served() as client:
        in_hub = await find_in_hub(client, "r-1")
        assert in_hub is not None
        await adopt(client, table, in_hub)
    assert hub.asked == ["r-1"]
    assert (await found(table)).submission == FREE


async def test_a_run_that_nobody_knows_is_an_error(table: CountingTable) -> None:
    with TaskHub([]).served() as client, pytest.raises(RunError, match="no run r-1 any more"):
        await row_of(client, "r-1")
    assert await find_row(table, "r-1") is None


async def test_without_an_answer_about_the_entity_nothing_is_claimed(table: CountingTable) -> None:
    hub = of_earlier_version(CLAIMED)
    with hub.served() as client:
        await row_of(client, "r-1")
        hub.failing.add("GET")
        with pytest.raises(Exception, match=r"500|not available"):
            await row_of(client, "r-1")


async def test_the_owner_of_a_job_is_in_the_ledger_or_in_the_entity_of_an_earlier_version(
    table: CountingTable,
) -> None:
    row, other = await added(table), await added(table, "r-2")
    hub = TaskHub([entity("job_owner", "job-2", "r-2"), entity("job_owner", "job-3")])
    with hub.served() as client:
        assert await own_job(client, row, "job-1")
        assert not await own_job(client, other, "job-1")
        owners = [await owner_of(client, job) for job in ("job-1", "job-2", "job-3", "job-4")]
    assert owners == ["r-1", "r-2", None, None]


async def test_the_job_of_a_run_in_flight_keeps_its_owner_after_the_run_was_adopted(
    table: CountingTable,
) -> None:
    hub = of_earlier_version(CLAIMED, run(status="Running"))
    hub.instances |= {"@job_owner@batchjob-1": entity("job_owner", "batchjob-1", "r-1")}
    with hub.served() as client:
        await row_of(client, "r-1")
        assert await owner_of(client, "batchjob-1") == "r-1"


async def test_an_ended_run_can_be_canceled_without_harm(table: CountingTable) -> None:
    await ended(table, "r-1", "Completed")
    with TaskHub([]).served() as client:
        await cancel_submission(client, "r-1")
    assert (await found(table)).phase == "Completed"


async def test_after_a_claim_for_the_next_job_there_is_none_for_the_job_before(table: CountingTable) -> None:
    """Not even where that claim was given back, and the late attempt has read the row before."""
    row = await added(table)
    with TaskHub([]).served() as client:
        before = await row_of(client, "r-1")
        second = await claim_submission(client, row.of_job(2))
        assert isinstance(second, Claimed)
        assert second.submission.job_attempt == 2
        await release_submission(client, row.of_job(2), second.attempt)
        kept = await found(table)
        with pytest.raises(RunError, match="a later job of the run"):
            await claim_submission(client, before)
        await record_search(client, before, in_doubt=True)
        assert await found(table) == kept


async def test_a_cancel_before_the_next_job_is_seen_by_its_claim(table: CountingTable) -> None:
    row = await added(table)
    with TaskHub([]).served() as client:
        assert isinstance(await claim_submission(client, row), Claimed)
        await cancel_submission(client, "r-1")
        assert await claim_submission(client, (await found(table)).of_job(2)) == Canceled()
        assert (await found(table)).submission.job_attempt == 1
