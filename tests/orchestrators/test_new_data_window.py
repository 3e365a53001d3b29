"""The orchestration of one blob through the SDK's own replay: alone, and many at once with the real entity."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import entities.folder_window
from batch.names import FOLDER_WINDOW, NEW_DATA_WINDOW
from batch.new_data.blob import Blob
from batch.new_data.request import upload_for, upload_id
from batch.new_data.rules import NewDataRule
from batch.new_data.upload import FolderUpload
from batch.new_data.window import Late
from batch.run.source import DataSource
from orchestrators.new_data_window import bp
from tests.batch.builders import START, after
from tests.batch.builders import settings as app_settings
from tests.batch.new_data.events import blob, rule
from tests.entities.batches import Send, sender
from tests.orchestrators.execution import (
    THIS_VERSION,
    TIMER,
    Answer,
    Execution,
    Handle,
    handle_of,
)

RULE = rule(quiet_seconds=10, longest_wait_seconds=60, prefix="in/")
SOURCE = blob("in/a.csv").source().merged_with(blob("in/b.csv").source()).to_json()


@pytest.fixture(scope="session")
def window_handle() -> Handle:
    return handle_of(bp, NEW_DATA_WINDOW)


@pytest.fixture(scope="session")
def send() -> Send:
    return sender(entities.folder_window.bp, FOLDER_WINDOW)


def _upload(of: Blob | None = None, under: NewDataRule = RULE) -> FolderUpload:
    uploaded = of or blob("in/a.csv", at=after(-3))
    run_id = upload_id(under, uploaded)
    return upload_for(under, uploaded, run_id, app_settings())


def _touching(
    handle: Handle, upload: FolderUpload | None = None, at: datetime = START, instance_id: str = "w-1"
) -> Execution:
    """As the Python client starts it: JSON in a text."""
    return Execution(handle, json.dumps((upload or _upload()).to_json()), at, instance_id)


def _touched(handle: Handle, opened: datetime = START) -> Execution:
    execution = _touching(handle)
    execution.complete(opened.isoformat())
    return execution


def _claiming(handle: Handle) -> Execution:
    execution = _touched(handle)
    execution.fire()
    return execution


def _starting(handle: Handle) -> Execution:
    execution = _claiming(handle)
    execution.complete(SOURCE)
    return execution


def test_touch_wait_claim_start(window_handle: Handle) -> None:
    upload = _upload()
    window = f"@{FOLDER_WINDOW}@{upload.window_key}"
    execution = _touching(window_handle, upload)
    touch = {
        "toucher": "w-1",
        "now": "2026-01-31T12:00:00Z",
        "source": upload.source.to_json(),
    }
    assert execution.answer.entity_call == (window, "touch", touch)

    assert execution.complete("2026-01-31T12:00:00Z", after=0.5).actions[-1]["actionType"] == TIMER
    assert execution.timer_at == after(10.5)

    claim = {
        "claimant": "w-1",
        "now": "2026-01-31T12:00:10.500000Z",
        "longest_wait_seconds": 60,
        "remembers": True,
    }
    assert execution.fire().entity_call == (window, "claim", claim)

    answer = execution.complete(SOURCE)
    assert answer.retried_activity == ("start_run", upload.start(DataSource.from_json(SOURCE)))

    answer = execution.complete({"run_id": "folder-1"})
    assert (answer.done, answer.error, answer.output) == (True, None, {"run_id": "folder-1"})


@pytest.mark.parametrize(
    ("version", "single", "remembers"),
    [
        (THIS_VERSION, False, True),
        # The window of one blob is no folder's.
        (THIS_VERSION, True, False),
        # An execution of an earlier version repeats its claim.
        ("1.4", False, False),
        ("1.0", False, False),
        ("", False, False),
    ],
)
def test_which_claim_remembers_the_folder(
    window_handle: Handle, version: str, single: bool, remembers: bool
) -> None:
    upload = _upload().model_copy(update={"single": single})
    execution = Execution(window_handle, json.dumps(upload.to_json()), START, "w-1", version=version)
    execution.complete(START.isoformat())
    assert execution.fire().entity_call[2].get("remembers", False) is remembers


def _late_rule(late: Late) -> NewDataRule:
    return rule(quiet_seconds=10, longest_wait_seconds=60, prefix="in/", late=late.value)


@pytest.mark.parametrize("late", [Late.IGNORE, Late.FILE])
def test_a_blob_that_is_not_late_waits_for_its_folder(window_handle: Handle, late: Late) -> None:
    execution = _touching(window_handle, _upload(under=_late_rule(late)))
    assert execution.answer.entity_call[2]["late"] == late
    execution.complete(START.isoformat())
    execution.fire()
    name, given = execution.complete(SOURCE).retried_activity
    assert (name, given["request"]["inputs"]["input_data"]["type"]) == ("start_run", "UriFolder")


def test_a_late_blob_is_ignored_if_the_rule_says_so(window_handle: Handle) -> None:
    execution = _touching(window_handle, _upload(blob("in/late.csv"), _late_rule(Late.IGNORE)))
    ignored = {"container": "data", "blob": "in/late.csv", "reason": "late"}
    assert execution.complete(None).retried_activity == ("ignore_upload", ignored)
    # A host of 1.4 does not have this activity.
    execution.fail("The function 'ignore_upload' doesn't exist.")
    execution.fire()
    answer = execution.complete({"ignored": "late"})
    assert (answer.done, answer.error, answer.output) == (True, None, {"ignored": "late"})


def test_a_late_blob_starts_a_run_of_its_own_if_the_rule_says_so(window_handle: Handle) -> None:
    upload = _upload(blob("in/late.csv"), _late_rule(Late.FILE))
    execution = _touching(window_handle, upload)
    name, given = execution.complete(None).retried_activity
    assert (name, given["run_id"]) == ("start_run", upload.run_id)
    assert given["source"] == blob("in/late.csv").source().to_json()
    assert given["request"]["inputs"]["input_data"] == {
        "type": "UriFile",
        "uri": "https://lake.blob.core.windows.net/data/in/late.csv",
    }
    answer = execution.complete({"run_id": upload.run_id})
    assert (answer.done, answer.output) == (True, {"run_id": upload.run_id})


def test_a_late_copy_that_has_begun_waits_its_quiet_period(window_handle: Handle) -> None:
    copying = replace(blob("in/late.csv"), is_unfinished=True)
    execution = _touching(window_handle, _upload(copying, _late_rule(Late.FILE)))
    assert execution.complete(None, after=2.0).actions[-1]["actionType"] == TIMER
    assert execution.timer_at == after(12)
    assert execution.fire().retried_activity[0] == "start_run"


def test_the_ids_from_its_start_are_kept(window_handle: Handle) -> None:
    upload = _upload().model_copy(update={"run_id": "folder-as-then", "window_key": "as-then"})
    execution = _touching(window_handle, upload)
    assert execution.answer.entity_call[0] == f"@{FOLDER_WINDOW}@as-then"
    execution.complete(START.isoformat())
    assert execution.fire().entity_call[0] == f"@{FOLDER_WINDOW}@as-then"
    assert execution.complete(SOURCE).retried_activity[1]["run_id"] == "folder-as-then"


def test_a_claim_that_finds_nothing_ends_as_superseded(window_handle: Handle) -> None:
    answer = _claiming(window_handle).complete(None)
    assert (answer.done, answer.error, answer.output) == (True, None, {"superseded": True})
    assert len(answer.actions) == 3


@pytest.mark.parametrize(
    ("opened", "answered", "wakes"),
    [
        (0, 1, 11),
        (-30, 1, 11),
        (-49, 1, 11),
        (-50, 1, 10),
        (-55, 1, 5),
        # The quiet period begins when the touch has arrived, however long that took.
        (0, 30, 40),
        (0, 55, 60),
        # The window is long overdue: at once.
        (-100, 1, -40),
    ],
)
def test_it_waits_for_quiet_and_no_longer_than_the_longest_wait(
    window_handle: Handle, opened: float, answered: float, wakes: float
) -> None:
    execution = _touching(window_handle)
    execution.complete(after(opened).isoformat(), after=answered)
    assert execution.timer_at == after(wakes)
    assert execution.fire().entity_call[1] == "claim"


def test_the_claim_states_its_time(window_handle: Handle) -> None:
    """A late timer makes a late claim: the longest wait may be over by then."""
    execution = _touched(window_handle)
    execution.now = after(70)
    assert execution.fire().entity_call[2]["now"] == "2026-01-31T12:01:10Z"


@pytest.mark.parametrize("failures", [1, 5, 9])
def test_a_start_that_fails_is_tried_again(window_handle: Handle, failures: int) -> None:
    execution = _starting(window_handle)
    for _ in range(failures):
        assert not execution.fail("Activity function 'start_run' failed:  OSError: hub away").done
        assert execution.timer_asked_for == execution.now + timedelta(seconds=60)
        assert not execution.fire().done
    answer = execution.complete({"run_id": "folder-1"})
    assert (answer.done, answer.error, answer.output) == (True, None, {"run_id": "folder-1"})


def test_a_start_that_keeps_failing_fails_with_its_reason(window_handle: Handle) -> None:
    execution = _starting(window_handle)
    for attempt in range(60):
        assert not execution.answer.ended, attempt
        execution.fail("Activity function 'start_run' failed:  OSError: hub away")
        execution.fire()
    assert execution.answer.ended
    assert "hub away" in str(execution.answer.error)


@pytest.mark.parametrize("name", ["customer_key=42/a.csv", "AccountKey=1.csv", "pwd=x/Server=y.csv"])
def test_the_text_is_whole_whatever_the_name_of_the_blob(window_handle: Handle, name: str) -> None:
    execution = _touching(window_handle, _upload(blob(f"in/{name}")))
    answer = execution.fail("it broke")
    assert (answer.ended, answer.error, answer.code) == (True, "it broke", "internal")


def test_a_failure_without_a_text_ends_the_window_too(window_handle: Handle) -> None:
    answer = _touching(window_handle).fail("")
    assert (answer.ended, answer.error) == (True, "Exception")


@pytest.mark.parametrize("raw", [{"rule": 'it\'s "key=1"'}, 5, None])
def test_an_input_that_is_not_an_upload_is_not_quoted(window_handle: Handle, raw: object) -> None:
    answer = Execution(window_handle, json.dumps(raw), START).answer
    assert answer.error == "The input of this instance is not an upload. [internal]"


@pytest.mark.parametrize("step", ["touch", "claim"])
def test_a_window_that_breaks_fails_with_its_reason(window_handle: Handle, step: str) -> None:
    execution = _touching(window_handle) if step == "touch" else _claiming(window_handle)
    answer = execution.fail("it broke")
    assert answer.ended
    assert "it broke" in str(answer.error)


def test_the_same_history_gives_the_same_answer(window_handle: Handle) -> None:
    execution = _starting(window_handle)
    execution.fail("boom")
    execution.fire()
    assert [Answer.of(window_handle, execution.trigger_input) for _ in range(3)] == [execution.answer] * 3
    execution.complete({"run_id": "folder-1"})
    assert Answer.of(window_handle, execution.trigger_input) == execution.answer


def test_any_name_of_a_blob_is_kept(window_handle: Handle) -> None:
    named = blob('in/a#b?%20ü\U0001f600"{run_id}.csv', version='"0x\ud800"', at=after(0.123456))
    execution = _touching(window_handle, _upload(named))
    touch = execution.answer.entity_call[2]
    assert DataSource.from_json(touch["source"]) == named.source()
    execution.complete(START.isoformat())
    execution.fire()
    started = execution.complete(touch["source"]).retried_activity[1]
    assert started == _upload(named).start(named.source())


class Hub:
    """Orchestrations of one folder and the real entity that they call; what is due runs in any order."""

    def __init__(self, handle: Handle, send: Send, random: Random, under: NewDataRule = RULE) -> None:
        self._handle, self._send, self._random, self._rule = handle, send, random, under
        self.now = 0.0
        self.state: Any = None
        self.calls: list[Execution] = []
        self.asleep: list[Execution] = []
        self.runs: list[dict[str, Any]] = []
        self.superseded = 0
        self.ignored: list[str] = []

    def comes(self, name: str) -> None:
        upload = _upload(blob(f"in/{name}", at=after(self.now)), self._rule)
        self.calls.append(_touching(self._handle, upload, after(self.now), name))

    def step(self) -> bool:
        """Whether there was anything to do now."""
        due = [each for each in self.asleep if each.timer_at <= after(self.now)]
        if due and (not self.calls or self._random.random() < 0.5):
            execution = self._random.choice(due)
            self.asleep.remove(execution)
            execution.now = after(self.now)
            execution.fire()
            self.calls.append(execution)
        elif self.calls:
            self._entity_takes(self._random.sample(self.calls, self._random.randint(1, len(self.calls))))
        else:
            return False
        return True

    def run_dry(self) -> None:
        while self.calls or self.asleep:
            if not self.step():
                self.now += 1

    def _entity_takes(self, batch: list[Execution]) -> None:
        calls = [each.answer.entity_call for each in batch]
        answer = self._send(*((operation, given) for _, operation, given in calls), state=self.state)
        assert not any(answer.failed)
        self.state = answer.state
        for execution, (_, operation, _), result in zip(batch, calls, answer.results, strict=True):
            self.calls.remove(execution)
            execution.now = after(self.now)
            answered = execution.complete(result, after=0)
            if operation == "touch" and result is not None:
                self.asleep.append(execution)
            elif answered.done:
                assert answered.output == {"superseded": True}
                self.superseded += 1
            else:
                self._begins(*answered.retried_activity)

    def _begins(self, activity: str, given: dict[str, Any]) -> None:
        if activity == "ignore_upload":
            self.ignored.append(given["blob"].removeprefix("in/"))
        else:
            self.runs.append({**given["source"], "type": given["request"]["inputs"]["input_data"]["type"]})


_pauses = st.lists(st.sampled_from([0.0, 1.0, 9.5, 10.0, 25.0]), min_size=1, max_size=10)


@settings(max_examples=40)
@given(_pauses, st.integers(0, 2**32), st.sampled_from(list(Late)))
def test_each_blob_is_in_exactly_one_run_or_ignored(
    window_handle: Handle, send: Send, pauses: list[float], seed: int, late: Late
) -> None:
    random = Random(seed)  # noqa: S311 - chance, not secrecy
    hub = Hub(window_handle, send, random, _late_rule(late))
    for number, pause in enumerate(pauses):
        hub.comes(f"{number}.csv")
        for _ in range(random.randint(0, 3)):
            hub.step()
        hub.now += pause
    hub.run_dry()
    assert hub.state["closed"] is True
    names = [name for run in hub.runs for name in run["names"]]
    assert sorted(names + hub.ignored) == sorted(f"{number}.csv" for number in range(len(pauses)))
    assert sum(run["count"] for run in hub.runs) == len(names)
    assert len(hub.runs) + hub.superseded + len(hub.ignored) == len(pauses)
    over_folder = [run for run in hub.runs if run["type"] == "UriFolder"]
    seen = 0
    for run in over_folder:
        assert run.get("folder_count") == (seen + run["count"] if seen else None)
        seen += run["count"]
    if late != Late.RERUN:
        assert len(over_folder) == 1
    assert bool(hub.ignored) <= (late == Late.IGNORE)
    assert all(run.get("folder_count") is None for run in hub.runs if run["type"] == "UriFile")


def test_files_that_come_together_start_one_run(window_handle: Handle, send: Send) -> None:
    hub = Hub(window_handle, send, Random(1))  # noqa: S311
    for number in range(30):
        hub.comes(f"{number}.csv")
        hub.now += 0.1
    hub.run_dry()
    [run] = hub.runs
    assert (run["count"], len(run["names"]), hub.superseded) == (30, 30, 29)
    assert json.loads(json.dumps(run)) == run


def test_a_file_after_the_run_of_its_folder_starts_one_that_tells_it(
    window_handle: Handle, send: Send
) -> None:
    hub = Hub(window_handle, send, Random(1))  # noqa: S311
    for name in ("1.csv", "2.csv", "3.csv", "4.csv", "5.csv"):
        hub.comes(name)
    hub.run_dry()
    hub.now += 3_600
    hub.comes("6.csv")
    hub.run_dry()
    assert [(run["count"], run.get("folder_count")) for run in hub.runs] == [(5, None), (1, 6)]
