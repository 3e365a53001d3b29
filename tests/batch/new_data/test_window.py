"""The window in which the blobs of a folder are gathered: no blob is lost, none is taken twice."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from batch.new_data.window import (
    Claim,
    FolderWindow,
    Late,
    Touch,
    claims_at,
    close,
    is_late,
    may_claim,
    note_late,
    touch,
)
from batch.run.source import DataSource
from tests.batch.builders import START, after
from tests.batch.new_data.events import blob


def _source(name: str, at: datetime = START) -> DataSource:
    return blob(f"in/{name}", at=at).source()


def _touch(window: FolderWindow | None, toucher: str, now: datetime, source: DataSource) -> FolderWindow:
    return touch(window, Touch(toucher=toucher, now=now, source=source))


def _may_claim(window: FolderWindow, claimant: str, now: datetime, longest_wait: timedelta) -> bool:
    longest = int(longest_wait.total_seconds())
    return may_claim(window, Claim(claimant=claimant, now=now, longest_wait_seconds=longest))


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_the_first_toucher_opens_the_window() -> None:
    window = _touch(None, "a", START, _source("a.csv"))
    assert window == FolderWindow(opened_at=START, newest="a", source=_source("a.csv"))


def test_a_further_toucher_becomes_the_newest_and_leaves_the_opening() -> None:
    window = _touch(_touch(None, "a", START, _source("a.csv")), "b", after(5), _source("b.csv", after(3)))
    assert (window.opened_at, window.newest) == (START, "b")
    assert window.source == _source("a.csv").merged_with(_source("b.csv", after(3)))
    assert (window.source.count, window.source.names) == (2, ("a.csv", "b.csv"))
    assert (window.source.first_event_at, window.source.last_event_at) == (START, after(3))


def test_a_toucher_whose_clock_is_behind_does_not_move_the_opening() -> None:
    window = _touch(_touch(None, "a", START, _source("a.csv")), "b", after(-5), _source("b.csv"))
    assert (window.opened_at, window.newest) == (START, "b")


@pytest.mark.parametrize(
    ("claimant", "seconds", "allowed"),
    [
        ("newest", 0, True),
        ("newest", 59, True),
        ("newest", 60, True),
        ("newest", -1, True),
        ("older", 0, False),
        ("older", 59.999, False),
        ("older", 60, True),
        ("older", 61, True),
        ("older", 10**6, True),
        ("of an earlier window", 59, False),
        ("of an earlier window", 60, True),
    ],
)
def test_which_orchestration_may_claim(claimant: str, seconds: float, allowed: bool) -> None:
    window = _touch(_touch(None, "older", START, _source("a")), "newest", after(1), _source("b"))
    assert _may_claim(window, claimant, after(seconds), _seconds(60)) is allowed


@pytest.mark.parametrize(
    ("opened", "now", "expected"),
    [
        (0, 0, 10),
        (0, 20, 30),
        (0, 50, 60),
        (0, 51, 60),
        (0, 59.5, 60),
        (0, 60, 60),
        # The longest wait is over: at once.
        (0, 90, 60),
        # The clock of the orchestration that opened the window is ahead.
        (5, 0, 10),
    ],
)
def test_when_a_toucher_tries_to_claim(opened: float, now: float, expected: float) -> None:
    assert claims_at(after(opened), after(now), _seconds(10), _seconds(60)) == after(expected)


def test_a_window_passes_the_task_hub_unchanged() -> None:
    window = _touch(None, "a", after(0.123456), _source("ü\U0001f600.csv", after(0.654321)))
    assert FolderWindow.from_json(window.to_json()) == window


# A closed window


def _closed(*names: str, earlier: FolderWindow | None = None, at: datetime = START) -> FolderWindow:
    window = earlier
    for name in names:
        window = _touch(window, f"of {name}", at, _source(name))
    assert window
    return close(window, Claim(claimant=window.newest, now=at, longest_wait_seconds=60, remembers=True))


def _late_touch(late: Late, name: str = "f.csv") -> Touch:
    return Touch(toucher="late", now=after(90), source=_source(name), late=late)


def test_a_blob_after_the_run_of_its_folder_opens_a_window_of_its_own() -> None:
    window = _touch(_closed("a.csv", "b.csv"), "c", after(90), _source("c.csv"))
    assert (window.opened_at, window.newest, window.closed) == (after(90), "c", False)
    assert window.source == _source("c.csv")


def test_the_first_run_of_a_folder_knows_of_no_other() -> None:
    window = _touch(None, "a", START, _source("a.csv"))
    assert window.claimed() == _source("a.csv")
    assert window.claimed().folder_count is None


@pytest.mark.parametrize(
    ("first", "then", "count", "folder_count"),
    [
        ("abcde", "f", 1, 6),
        # Uploaded again: the same file.
        ("abcde", "a", 1, 5),
        ("abcde", "af", 2, 6),
        ("aab", "c", 1, 3),
        ("a", "a", 1, 1),
        # The count of uploads is the lower limit of that of the files.
        ("a", "aa", 2, 2),
    ],
)
def test_a_later_run_says_how_many_files_the_folder_has(
    first: str, then: str, count: int, folder_count: int
) -> None:
    window = _closed(*first)
    for name in then:
        window = _touch(window, f"again {name}", after(90), _source(name))
    taken = window.claimed()
    assert (taken.count, taken.folder_count, taken.names) == (count, folder_count, tuple(then))


def test_files_are_counted_over_any_number_of_runs() -> None:
    window = _closed("a", "b")
    for name, folder_count in (("c", 3), ("b", 3), ("d", 4)):
        window = _closed(name, earlier=window)
        assert window.claimed().folder_count == folder_count


def test_five_hundred_files_are_counted_and_a_hundred_names_kept() -> None:
    window = _closed(*(f"{number}.csv" for number in range(500)))
    window = _closed("late.csv", earlier=window)
    assert window.claimed().folder_count == 501
    window = _closed("0.csv", earlier=window)
    assert window.claimed().folder_count == 501
    assert window.earlier is not None
    assert len(window.earlier.names) == 100
    # Its name was not kept, so it counts as another file.
    assert _closed("400.csv", earlier=window).claimed().folder_count == 502


@pytest.mark.parametrize("late", list(Late))
def test_which_blob_is_late(late: Late) -> None:
    says = late != Late.RERUN
    touched = _late_touch(late)
    opened = _touch(None, "a", START, _source("a.csv"))
    assert is_late(None, touched) is False
    assert is_late(opened, touched) is False
    assert is_late(_closed("a.csv"), touched) is says
    # A window that a host opened which does not know the rule's word.
    assert is_late(_touch(_closed("a.csv"), "b", after(90), _source("b.csv")), touched) is says


@pytest.mark.parametrize("name", ["f.csv", "a.csv"])
def test_a_late_blob_is_known_and_not_gathered(name: str) -> None:
    closed = _closed("a.csv", "b.csv")
    window = note_late(closed, _late_touch(Late.IGNORE, name))
    assert (window.closed, window.source) == (True, closed.source)
    known = window.known_files()
    assert known is not None
    assert set(known.names) == {"a.csv", "b.csv", name}
    assert known.count == len(known.names)


def test_all_late_blobs_are_known() -> None:
    window = _closed("a.csv")
    for name in ("f.csv", "g.csv", "f.csv"):
        window = note_late(window, _late_touch(Late.IGNORE, name))
    assert window.earlier is not None
    assert (window.earlier.names, window.earlier.count) == (("f.csv", "g.csv"), 2)


@pytest.mark.parametrize("seconds", [0, 60, 10**6])
@pytest.mark.parametrize("claimant", ["of a.csv", "of b.csv", "stranger", ""])
def test_nothing_is_claimed_twice(claimant: str, seconds: float) -> None:
    assert _may_claim(_closed("a.csv", "b.csv"), claimant, after(seconds), _seconds(60)) is False


def _as_1_4_reads(window: FolderWindow) -> FolderWindow:
    """A host of 1.4 ignores the new fields, and takes a closed window for an open one."""
    stored = window.to_json()
    return FolderWindow.from_json({name: stored[name] for name in ("opened_at", "newest", "source")})


@pytest.mark.parametrize("claimant", ["of a.csv", "of b.csv"])
def test_a_host_of_1_4_gives_nothing_to_a_claim_that_comes_too_late(claimant: str) -> None:
    as_read = _as_1_4_reads(_closed("a.csv", "b.csv", at=after(60)))
    assert _may_claim(as_read, claimant, after(61), _seconds(60)) is False


def test_a_host_of_1_4_gathers_a_late_blob() -> None:
    window = _touch(_as_1_4_reads(_closed("a.csv", at=after(60))), "late", after(90), _source("late.csv"))
    assert window.opened_at == after(60)
    assert _may_claim(window, "late", after(100), _seconds(60))
    assert window.claimed().names == ("a.csv", "late.csv")


def test_a_closed_window_passes_the_task_hub_unchanged() -> None:
    window = note_late(_closed("a.csv", "ü\U0001f600.csv"), _late_touch(Late.FILE))
    assert FolderWindow.from_json(window.to_json()) == window


# All blobs of a folder, with timers that fire in time


@dataclass
class Taken:
    at: float
    source: DataSource


def _gather(arrivals: list[float], quiet: float, longest: float) -> list[Taken]:
    """Blobs come at ``arrivals``; at equal times a blob comes before a claim."""
    window: FolderWindow | None = None
    taken: list[Taken] = []
    todo: list[tuple[float, bool, int]] = [(at, False, number) for number, at in enumerate(arrivals)]
    heapq.heapify(todo)
    while todo:
        at, is_claim, number = heapq.heappop(todo)
        now, toucher = after(at), f"t-{number}"
        if not is_claim:
            window = _touch(window, toucher, now, _source(f"{number}.csv", now))
            wakes = claims_at(window.opened_at, now, _seconds(quiet), _seconds(longest))
            heapq.heappush(todo, ((wakes - START).total_seconds(), True, number))
        elif window and _may_claim(window, toucher, now, _seconds(longest)):
            taken.append(Taken(at, window.source))
            window = None
    assert window is None
    return taken


def test_five_hundred_files_within_the_quiet_period_are_one_run() -> None:
    [taken] = _gather([number * 0.1 for number in range(500)], quiet=60, longest=3_600)
    assert taken.at == pytest.approx(49.9 + 60)
    assert (taken.source.count, len(taken.source.names)) == (500, 100)
    assert taken.source.names[0] == "0.csv"
    assert taken.source.last_event_at - taken.source.first_event_at == _seconds(49.9)


def test_two_bursts_with_quiet_between_them_are_two_runs() -> None:
    taken = _gather([0, 1, 2, 20, 21], quiet=10, longest=60)
    assert [(each.at, each.source.count) for each in taken] == [(12, 3), (31, 2)]


def test_files_that_keep_coming_start_a_run_after_each_longest_wait() -> None:
    taken = _gather([float(second) for second in range(0, 200, 5)], quiet=10, longest=60)
    assert [each.at for each in taken] == [60, 125, 190, 205]
    assert [each.source.count for each in taken] == [13, 13, 13, 1]


def test_a_blob_at_the_very_end_of_the_quiet_period_is_in_this_run_or_the_next() -> None:
    assert [each.source.count for each in _gather([0, 9.999], quiet=10, longest=60)] == [2]
    assert [each.source.count for each in _gather([0, 10.001], quiet=10, longest=60)] == [1, 1]


@given(st.lists(st.integers(0, 300), min_size=1, max_size=40), st.integers(1, 20), st.integers(1, 60))
def test_each_blob_is_in_one_run_that_is_neither_too_early_nor_too_late(
    arrivals: list[int], quiet: int, longest: int
) -> None:
    longest = max(quiet, longest)
    taken = _gather([float(at) for at in arrivals], quiet, longest)
    names = [name for each in taken for name in each.source.names]
    assert sorted(names) == sorted(f"{number}.csv" for number in range(len(arrivals)))
    assert sum(each.source.count for each in taken) == len(arrivals)
    for each in taken:
        opened, last = ((moment - START).total_seconds() for moment in _first_and_last(each.source))
        assert each.at == min(last + quiet, opened + longest)
        assert not [at for at in arrivals if last < at < each.at]


def _first_and_last(source: DataSource) -> tuple[datetime, datetime]:
    return source.first_event_at, source.last_event_at


# The same with timers that fire late, in any order, and with clocks that differ

QUIET, LONGEST = _seconds(10), _seconds(40)


@dataclass
class Toucher:
    name: str
    due_at: datetime


@dataclass
class Model:
    """``late`` is what the rule says; ``files`` are the names that runs took, or that came too late for one."""

    late: Late
    window: FolderWindow | None = None
    now: datetime = START
    asleep: list[Toucher] = field(default_factory=list)
    events: list[tuple[str, datetime]] = field(default_factory=list)
    touched_at: datetime = START
    taken: list[DataSource] = field(default_factory=list)
    gathered_at: list[datetime] = field(default_factory=list)
    too_late: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    @property
    def open_window(self) -> FolderWindow | None:
        return None if self.window is None or self.window.closed else self.window


class AnyOrder(RuleBasedStateMachine):
    @initialize(late=st.sampled_from(list(Late)))
    def start(self, late: Late) -> None:
        self.model = Model(late)

    @rule(seconds=st.sampled_from([0.5, 3, 9.5, 10, 30, 45]))
    def time_passes(self, seconds: float) -> None:
        self.model.now += _seconds(seconds)

    @rule(
        behind=st.sampled_from([0, 0, 1, 15]),
        event_age=st.sampled_from([0, 5, 86_400]),
        again=st.integers(0, 5),
    )
    def a_blob_comes(self, behind: float, event_age: float, again: int) -> None:
        """``behind``: how long the orchestration's first step took to reach the window."""
        model = self.model
        number = len(model.events)
        # Some files are uploaded again.
        name, at = f"{again if again < number else number}.csv", model.now - _seconds(event_age)
        model.events.append((name, at))
        touched = Touch(
            toucher=f"t-{number}",
            now=model.now - _seconds(behind),
            source=_source(name, at),
            late=model.late,
        )
        late = model.late != Late.RERUN and bool(model.taken)
        assert is_late(model.window, touched) is late
        if late:
            assert model.window
            model.window = note_late(model.window, touched)
            model.too_late.append(name)
            model.files.add(name)
            return
        model.window = touch(model.window, touched)
        assert model.window.newest == touched.toucher
        model.touched_at = model.now
        model.gathered_at.append(at)
        due = claims_at(model.window.opened_at, model.now, QUIET, LONGEST)
        model.asleep.append(Toucher(touched.toucher, due))

    @precondition(lambda self: any(each.due_at <= self.model.now for each in self.model.asleep))
    @rule(data=st.data())
    def a_timer_fires(self, data: st.DataObject) -> None:
        due = [each for each in self.model.asleep if each.due_at <= self.model.now]
        self._claim(data.draw(st.sampled_from(due)))

    @invariant()
    def every_blob_is_in_one_window_or_too_late(self) -> None:
        model = self.model
        open_now = [model.open_window.source] if model.open_window else []
        names = [name for source in (*model.taken, *open_now) for name in source.names]
        assert sorted(names + model.too_late) == sorted(name for name, _ in model.events)
        for source in (*model.taken, *open_now):
            assert source.count == len(source.names)
        for source in open_now:
            times = model.gathered_at
            assert (source.first_event_at, source.last_event_at) == (min(times), max(times))

    @invariant()
    def an_orchestration_waits_to_claim_the_open_window(self) -> None:
        model = self.model
        if window := model.open_window:
            [newest] = [each for each in model.asleep if each.name == window.newest]
            assert newest.due_at <= max(window.opened_at + LONGEST, model.touched_at + QUIET)

    @invariant()
    def one_run_only_where_a_late_blob_starts_none_over_the_folder(self) -> None:
        assert self.model.late == Late.RERUN or len(self.model.taken) <= 1

    def teardown(self) -> None:
        while self.model.asleep:
            self.model.now = max(self.model.now, self.model.asleep[0].due_at)
            self._claim(self.model.asleep[0])
        assert self.model.open_window is None
        self.every_blob_is_in_one_window_or_too_late()

    def _claim(self, claimant: Toucher) -> None:
        model, window = self.model, self.model.window
        model.asleep.remove(claimant)
        assert window is not None
        claim = Claim(claimant=claimant.name, now=model.now, longest_wait_seconds=40, remembers=True)
        if window.closed:
            assert may_claim(window, claim) is False
            return
        waited_longest = model.now >= window.opened_at + LONGEST
        allowed = may_claim(window, claim)
        assert allowed is (window.newest == claimant.name or waited_longest)
        if allowed:
            assert waited_longest or model.now >= model.touched_at + QUIET
            self._takes(window)
            model.window = close(window, claim)

    def _takes(self, window: FolderWindow) -> None:
        model, taken = self.model, window.claimed()
        is_first = not model.taken
        model.taken.append(taken)
        model.gathered_at.clear()
        model.files |= set(taken.names)
        assert taken.folder_count == (None if is_first else max(len(model.files), taken.count))


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=30)
