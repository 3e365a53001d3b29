"""The list of runs in both stores: newest first, each filter at the store, one read for a page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.api.run_query import RunQuery
from batch.run.phases import PHASES
from batch.run.state import Run
from ledger.job_owners import own_job
from ledger.listing import runs_ended, runs_page, runs_pending, runs_under_way
from ledger.run_row import ListedRun, listed_phase
from ledger.runs import delete_run, end_run, note_phase
from ledger.table import Insert, Key, Query, Row, Table
from tests.batch.builders import ENDPOINT_URI, START, after, request
from tests.ledger.conftest import Handles
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import RUN, added, end, ended, found, of_folder

OTHER_ENDPOINT = ENDPOINT_URI.replace("scores", "others")
MILLISECOND = timedelta(milliseconds=1)
TOP = 100


async def ids(table: Table, query: RunQuery | None = None, place: str = "", top: int = TOP) -> list[str]:
    return [run.run_id for run in await runs_page(table, query or RunQuery(), place, top)]


async def all_pages(
    table: Table, query: RunQuery, top: int, between: Callable[[], object] | None = None
) -> list[str]:
    listed: list[str] = []
    place = ""
    while page := await runs_page(table, query, place, top):
        listed += [run.run_id for run in page]
        place = page[-1].place
        if between:
            await between()
    return listed


async def test_the_newest_run_is_the_first(table: Table) -> None:
    for run_id, seconds in (("b", 0), ("z", 5), ("a", 3_600), ("y", -86_400)):
        await added(table, run_id, after(seconds))
    assert await ids(table) == ["a", "z", "b", "y"]


async def test_runs_of_the_same_millisecond_are_in_order_of_their_ids(table: Table) -> None:
    for run_id in ("b", "a-1", "a", "B", "0", "a.b"):
        await added(table, run_id)
    assert await ids(table) == sorted(["b", "a-1", "a", "B", "0", "a.b"])


async def test_times_are_inclusive_to_the_millisecond(table: Table) -> None:
    for number in range(-2, 3):
        await added(table, f"at{number:+}", START + number * MILLISECOND)
    assert await ids(table, RunQuery(started_from=START)) == ["at+2", "at+1", "at+0"]
    assert await ids(table, RunQuery(started_to=START)) == ["at+0", "at-1", "at-2"]
    assert await ids(table, RunQuery(started_from=START, started_to=START)) == ["at+0"]
    between = START + timedelta(microseconds=1)
    assert await ids(table, RunQuery(started_from=between)) == ["at+2", "at+1"]
    assert await ids(table, RunQuery(started_to=between)) == ["at+0", "at-1", "at-2"]
    assert await ids(table, RunQuery(started_from=START + MILLISECOND, started_to=START)) == []


async def test_far_times_list_all_or_nothing(table: Table) -> None:
    await added(table)
    far = RunQuery.parse({"started_from": "0001-01-01T00:00:00Z", "started_to": "9999-12-31T00:00:00Z"})
    assert await ids(table, far) == ["r-1"]
    assert await ids(table, RunQuery.parse({"started_from": "9999-12-31T00:00:00Z"})) == []
    assert await ids(table, RunQuery.parse({"started_to": "0001-01-01T00:00:00Z"})) == []


async def test_a_prefix_selects_the_ids_that_begin_with_it(table: Table) -> None:
    for run_id in ("nightly", "nightly-", "nightly-1", "nightly.1", "nightlz", "nightl", "Nightly-1"):
        await added(table, run_id)
    assert await ids(table, RunQuery(prefix="nightly")) == ["nightly", "nightly-", "nightly-1", "nightly.1"]
    assert await ids(table, RunQuery(prefix="nightly-")) == ["nightly-", "nightly-1"]
    assert await ids(table, RunQuery(prefix="nightly-2")) == []
    assert await ids(table, RunQuery(prefix="z")) == []


async def test_an_endpoint_selects_its_runs_alone(table: Table) -> None:
    await added(table, "one")
    await ended(table, "other", "Completed", run=of_folder("incoming", "", OTHER_ENDPOINT))
    assert await ids(table, RunQuery(endpoint=OTHER_ENDPOINT)) == ["other"]
    assert await ids(table, RunQuery(endpoint=ENDPOINT_URI)) == ["one"]
    assert await ids(table, RunQuery(endpoint=ENDPOINT_URI[:-1])) == []


FOLDERS = {
    "plain": "incoming/2026/",
    "longer": "incoming/2026/01/",
    "root": "incoming/",
    "other": "incoming-2/2026/",
    "umlaut": "incoming/Größe/",
    "umlaut longer": "incoming/Größe/1/",
    "quote": "incoming/it's/",
    "emoji": "incoming/😀/a/",
    "behind surrogates": "incoming/\ue000/",
    "before surrogates": "incoming/\ud7ff/",
    "last": "incoming/\U0010ffff/",
}


@pytest.mark.parametrize(
    "source",
    [
        "incoming",
        "incoming/",
        "incoming/2",
        "incoming/2026/",
        "incoming/2026/02",
        "incoming/Größe",
        "incoming/Größe/",
        "incoming/Gr\u00f6",
        "incoming/it's",
        "incoming/' or '1' eq '1",
        "incoming/😀",
        "incoming/\ue000/",
        "\uffff",
    ],
)
async def test_a_source_selects_the_folders_that_begin_with_it(table: Table, source: str) -> None:
    await added(table, "without")
    names = {f"r-{number}": folder for number, folder in enumerate(FOLDERS.values())}
    for run_id, folder in names.items():
        container, _, rest = folder.partition("/")
        await added(table, run_id, run=of_folder(container, rest))
    expected = sorted(run_id for run_id, folder in names.items() if folder.startswith(source))
    assert await ids(table, RunQuery(source=source)) == expected


@pytest.mark.parametrize("last", ["\ud7ff", "\uffff", "\U0010ffff", "\U0010ffff\uffff"])
async def test_a_source_with_an_odd_end_leaves_out_no_folder(table: Table, last: str) -> None:
    await added(table, "without", run=of_folder("incoming", "a/"))
    await added(table, "it", run=of_folder("incoming", f"{last}/"))
    assert "it" in await ids(table, RunQuery(source=f"incoming/{last}"))
    assert "without" not in await ids(table, RunQuery(source=f"incoming/{last}"))
    assert await ids(table, RunQuery(source=last)) == []


async def every_phase(table: Table) -> dict[str, str]:
    """One run in each phase, by the phase that the lists keep."""
    phases = {}
    for phase, facts in PHASES.items():
        run_id = phase.lower()
        phases[run_id] = listed_phase(phase)
        if facts.ended:
            await ended(table, run_id, phase)
        else:
            row = await added(table, run_id)
            await note_phase(table, row, listed_phase(phase))
    return phases


@pytest.mark.parametrize(
    "phases",
    [
        {"Running"},
        {"Pending"},
        {"Authorizing"},
        {"Submitting", "Queued"},
        {"Failed"},
        {"Terminated", "TimedOut"},
        {"Running", "Failed"},
        {"Pending", "Authorizing", "Submitting", "Queued", "Running", "Canceling"},
        set(PHASES),
    ],
    ids=lambda phases: ",".join(sorted(phases)),
)
async def test_a_phase_selects_its_runs_alone(table: Table, phases: set[str]) -> None:
    kept = await every_phase(table)
    wanted = {listed_phase(phase) for phase in phases}
    expected = sorted(run_id for run_id, phase in kept.items() if phase in wanted)
    assert await ids(table, RunQuery(phases=frozenset(phases))) == expected


async def test_a_run_that_ends_moves_from_the_runs_under_way_to_the_others(table: Table) -> None:
    running, completed = RunQuery(phases=frozenset({"Running"})), RunQuery(phases=frozenset({"Completed"}))
    row = await added(table)
    await note_phase(table, row, "Running")
    assert (await ids(table, running), await ids(table, completed)) == (["r-1"], [])
    await end_run(table, row, end("Completed"))
    assert (await ids(table, running), await ids(table, completed)) == ([], ["r-1"])
    await delete_run(table, await found(table))
    assert await ids(table) == []


async def test_all_filters_select_together(table: Table) -> None:
    folder = of_folder("incoming", "2026/")
    await added(table, "n-1", after(1), folder)
    await added(table, "n-2", after(2), folder)
    await added(table, "m-1", after(2), folder)
    await added(table, "n-3", after(2))
    await added(table, "n-4", after(2), of_folder("incoming", "2026/", OTHER_ENDPOINT))
    await ended(table, "n-5", "Failed", after(2), folder)
    query = RunQuery(
        phases=frozenset({"Pending"}),
        started_from=after(2),
        started_to=after(2),
        prefix="n-",
        endpoint=ENDPOINT_URI,
        source="incoming/2026/",
    )
    assert await ids(table, query) == ["n-2"]


@pytest.mark.parametrize(
    "query",
    [
        RunQuery(),
        RunQuery(phases=frozenset({"Pending"})),
        RunQuery(phases=frozenset({"Failed"}), prefix="r-1"),
    ],
    ids=["all", "under way", "filtered"],
)
async def test_a_page_is_one_read_of_the_ledger(table: Table, query: RunQuery) -> None:
    for number in range(30):
        await added(table, f"r-{number}", after(number))
    counting = CountingTable(table)
    await runs_page(counting, query, "", 20)
    assert (counting.queries, counting.reads, counting.writes) == (1, 0, 0)


class SeenQueries:
    """Keeps each query and its rows."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.queries: list[Query] = []
        self.found: list[Row] = []

    async def rows(self, query: Query) -> list[Row]:
        self.queries.append(query)
        rows = await self.table.rows(query)
        self.found += rows
        return rows


async def test_the_list_does_not_read_the_requests(table: Table) -> None:
    await added(table)
    seen = SeenQueries(table)
    await runs_page(seen, RunQuery(phases=frozenset({"Pending"})), "", TOP)
    [row] = seen.found
    assert "Run" not in row.values
    assert await runs_page(table, RunQuery(phases=frozenset({"Pending"})), "", TOP) == [
        ListedRun("r-1", START, "Pending", ENDPOINT_URI)
    ]


async def test_no_query_has_more_comparisons_than_azure_takes(table: Table) -> None:
    """Azurite takes any number."""
    seen = SeenQueries(table)
    for number in range(len(PHASES) + 1):
        query = RunQuery(
            phases=frozenset(sorted(PHASES)[:number]),
            started_from=START,
            started_to=START,
            prefix="r-",
            endpoint=ENDPOINT_URI,
            source="incoming/",
            tag=("team", "fraud"),
        )
        await runs_page(seen, query, "", TOP)
    keys = 3
    assert all(keys + sum(len(each.operands) for each in query.conditions) <= 15 for query in seen.queries)
    assert len(seen.queries[4].conditions) == 7, "few phases are compared"


async def test_other_rows_are_not_runs(table: Table) -> None:
    """Rows by id, of owners and of the rebuild lie in the same partition."""
    await own_job(table, await added(table), "at-job")
    await table.write(Insert(Key("runs", "rebuilt"), {"DoneAt": "now"}))
    assert await ids(table) == ["r-1"]
    assert await ids(table, RunQuery(phases=frozenset({"Queued"}))) == ["r-1"]


@pytest.mark.parametrize("top", [1, 2, 3, 7])
async def test_a_list_that_changes_between_two_pages_repeats_nothing_and_leaves_out_nothing(
    table: Table, top: int
) -> None:
    """The place of a run in the list does not depend on whether it, or any other run, ends or is deleted."""
    for number in range(20):
        await added(table, f"r-{number:02}", after(number))
    changes = 0

    async def change() -> None:
        nonlocal changes
        await added(table, f"new-{changes:02}", after(100 + changes))
        await end_run(table, await found(table, f"r-{changes % 20:02}"), end("Completed"))
        await end_run(table, await found(table, f"r-{19 - changes % 20:02}"), end("Failed"))
        changes += 1

    assert await all_pages(table, RunQuery(), top, change) == [f"r-{n:02}" for n in reversed(range(20))]
    assert changes >= 20 // top


async def test_a_page_goes_on_where_the_last_run_was_that_is_deleted_meanwhile(table: Table) -> None:
    for number in range(6):
        await added(table, f"r-{number}", after(number))
    page = await runs_page(table, RunQuery(), "", 3)
    await delete_run(table, await found(table, page[-1].run_id))
    assert await ids(table, place=page[-1].place) == ["r-2", "r-1", "r-0"]


async def test_a_run_under_way_that_ends_between_two_pages_is_missing_alone(table: Table) -> None:
    query = RunQuery(phases=frozenset({"Pending"}))
    for number in range(6):
        await added(table, f"r-{number}", after(number))
    page = await runs_page(table, query, "", 2)
    for run_id in ("r-4", "r-2"):
        await end_run(table, await found(table, run_id), end("Failed"))
    assert await ids(table, query, page[-1].place) == ["r-3", "r-1", "r-0"]


async def test_runs_under_way_that_started_before_a_moment(table: Table) -> None:
    for number in range(4):
        await added(table, f"r-{number}", after(number))
    await ended(table, "ended", "Failed", after(0))
    first = await runs_under_way(table, after(2), "", 2)
    assert [run.run_id for run in first] == ["r-2", "r-1"]
    assert [run.run_id for run in await runs_under_way(table, after(2), first[-1].place, 2)] == ["r-0"]


async def test_runs_without_a_job_that_started_before_a_moment(table: Table) -> None:
    for number in range(5):
        await added(table, f"r-{number}", after(number))
    await note_phase(table, await found(table, "r-2"), "Running")
    await end_run(table, await found(table, "r-1"), end("Failed"))
    first = await runs_pending(table, after(3), "", 1)
    assert [run.run_id for run in first] == ["r-3"]
    assert [run.run_id for run in await runs_pending(table, after(3), first[-1].place, TOP)] == ["r-0"]


async def test_runs_that_ended_before_a_moment(table: Table) -> None:
    async def end_at(run_id: str, started_at: datetime, ended_at: datetime) -> None:
        await end_run(table, await added(table, run_id, started_at), end("Completed", ended_at))

    await end_at("before", after(0), after(10) - MILLISECOND)
    await end_at("at", after(0), after(10))
    await end_at("after", after(0), after(11))
    await end_at("later", after(5), after(6))
    await added(table, "under-way", after(-3_600))
    assert [run.run_id for run in await runs_ended(table, after(10), TOP)] == ["later", "before"]
    assert [run.run_id for run in await runs_ended(table, after(10), 1)] == ["later"]


def tagged(**tags: str) -> Run:
    return Run(request=request(tags=tags))


async def test_a_tag_selects_the_runs_that_have_it_with_this_value(table: Table) -> None:
    """Also those that have ended. Rows of versions before 1.4 have no column of a tag."""
    for number, run in enumerate(
        [tagged(team="fraud"), tagged(team="cards"), tagged(), tagged(team="fraud", x="y")]
    ):
        await added(table, f"under-way-{number}", after(number), run)
        await ended(table, f"ended-{number}", "Completed", after(10 + number), run)
    fraud = RunQuery(tag=("team", "fraud"))
    assert await ids(table, fraud) == ["ended-3", "ended-0", "under-way-3", "under-way-0"]
    assert await all_pages(table, fraud, 1) == ["ended-3", "ended-0", "under-way-3", "under-way-0"]
    assert await ids(table, RunQuery(tag=("team", "fraud"), phases=frozenset({"Pending"}))) == [
        "under-way-3",
        "under-way-0",
    ]
    assert await ids(table, RunQuery(tag=("team", "Fraud"))) == []
    assert await ids(table, RunQuery(tag=("fraud", "team"))) == []


@pytest.mark.parametrize(
    "name", ["a", "A", "cost_center", "cost-center", "cost.center", "a__part0", "a-_.", "x" * 50]
)
@pytest.mark.parametrize("value", ["x", "it's", "a:b", "ä 😀", "' or RowKey ne '", "%"])
async def test_names_and_values_of_tags_are_kept_apart(table: Table, name: str, value: str) -> None:
    await added(table, "r-1", run=tagged(**{name: value}))
    assert await ids(table, RunQuery(tag=(name, value))) == ["r-1"]
    others = {"a", "A", "b", "cost_center", "cost-center", "cost.center", "a__part0", "a-_."} - {name}
    assert [other for other in sorted(others) if await ids(table, RunQuery(tag=(other, value)))] == []


@dataclass(frozen=True)
class Listable:
    started_at: datetime
    phase: str
    endpoint_uri: str
    folder: str
    prefix: str

    def run(self) -> Run:
        return RUN if not self.folder else of_folder("in", self.folder, self.endpoint_uri)

    def is_selected(self, query: RunQuery) -> bool:
        run = self.run()
        source = f"in/{self.folder}" if self.folder else ""
        return (
            (not query.phases or listed_phase(self.phase) in {listed_phase(phase) for phase in query.phases})
            and (query.started_from is None or self.started_at >= query.started_from)
            and (query.started_to is None or self.started_at <= query.started_to)
            and self.prefix.startswith(query.prefix)
            and query.endpoint in ("", run.request.endpoint_uri)
            and source.startswith(query.source)
        )


_times = st.integers(-3, 3).map(lambda number: START + number * MILLISECOND)
_folders = st.sampled_from(["", "a/", "a/b/", "ä/", "😀/"])
_endpoints = st.sampled_from([ENDPOINT_URI, OTHER_ENDPOINT])
_phases = st.sampled_from(list(PHASES))
_runs = st.lists(
    st.builds(Listable, _times, _phases, _endpoints, _folders, st.sampled_from("AaB")), max_size=8
)
_queries = st.builds(
    RunQuery,
    phases=st.frozensets(_phases, max_size=3),
    started_from=st.none() | _times,
    started_to=st.none() | _times,
    prefix=st.sampled_from(["", "A", "a", "c"]),
    endpoint=st.just("") | _endpoints,
    source=st.sampled_from(["", "in", "in/a", "in/a/b/", "in/ä", "in/😀"]),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(_runs, _queries, st.integers(1, 5))
async def test_pages_of_any_size_join_to_what_the_query_selects(
    new_table: Handles, runs: list[Listable], query: RunQuery, top: int
) -> None:
    table = new_table()
    by_id = {f"{run.prefix}-{number}": run for number, run in enumerate(runs)}
    for run_id, run in by_id.items():
        if PHASES[run.phase].ended:
            await ended(table, run_id, run.phase, run.started_at, run.run())
        else:
            row = await added(table, run_id, run.started_at, run.run())
            await note_phase(table, row, listed_phase(run.phase))
    in_order = sorted(by_id, key=lambda run_id: (START - by_id[run_id].started_at, run_id))
    expected = [run_id for run_id in in_order if by_id[run_id].is_selected(query)]
    assert await all_pages(table, query, top) == expected
