"""State that earlier versions left in the task hub: a newer version must go on with it.

Recorded through the SDK: executions as the host sends them with the answer of the orchestrator, instances as the
management API shows them with the view of the run, and operations of the entities. Each record is one line of JSON.
The records do not change. Each set has the name of the ``defaultVersion`` in the host.json of its version:

- ``1.0``, beside this file: the version before ``batch/`` had rooms. Some fields of its states are at their default,
  and its contexts state no version.
- ``1.1``, in the folder of that name: no field of its states is at its default, and its contexts state the version.
- ``1.2``: the first whose runs record their end in the ledger; some wait for that step. Entities are as in 1.1.
- ``1.3``: the first whose runs wait for roles, and know how long a cancel on request may take.
- ``1.4``: the first whose runs ask why a job failed and where its outputs are, and may submit another job. Its entity
  of a folder forgets the folder when its window closes.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import entities.earlier_version
import entities.folder_window
import orchestrators.batch_run
import orchestrators.new_data_window
from batch.new_data.upload import FolderUpload
from batch.run.reason import Reason, read_reason
from batch.run.state import Run
from batch.run.submission import Submission
from batch.stored import Stored
from task_hub.runs import decoded_input
from tests.batch.builders import after, view_of
from tests.entities.batches import sender
from tests.orchestrators.execution import CONTINUE_AS_NEW, Handle, handle_of
from tests.recorded_state.ends import past_the_record, without_differences
from tests.recorded_state.plain import plain

pytestmark = [
    pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Potential duplicate Task completion:UserWarning"),
]

HERE = Path(__file__).parent
SETS = {"1.0": HERE, **{version: HERE / version for version in ("1.1", "1.2", "1.3", "1.4")}}
WITHOUT_RECORD = ("1.0", "1.1")
"""Their runs end without the step that records the end."""

ORCHESTRATORS = {
    "batch_run": orchestrators.batch_run.bp,
    "new_data_window": orchestrators.new_data_window.bp,
}
STATES: dict[str, type[Stored]] = {"batch_run": Run, "new_data_window": FolderUpload}
ENTITIES = {
    "folder_window": entities.folder_window.bp,
    "submission": entities.earlier_version.bp,
    "job_owner": entities.earlier_version.bp,
}


def _recorded(name: str) -> list[Any]:
    """The records of each set that has some of this name, one after the other, each with its version."""
    params = []
    for version, folder in SETS.items():
        file = folder / f"{name}.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        for number, record in enumerate({"version": version, **json.loads(line)} for line in lines):
            params.append(pytest.param(record, id=f"{version} {number} {_label(record)}"))
    return params


def _label(record: dict[str, Any]) -> str:
    return record["label"] if "label" in record else f"{record['entity']} {record['operation']}"


@pytest.fixture(scope="module")
def handles() -> dict[str, Handle]:
    return {name: handle_of(bp, name) for name, bp in ORCHESTRATORS.items()}


@pytest.mark.parametrize("record", _recorded("executions"))
def test_an_execution_that_was_begun_goes_on(handles: dict[str, Handle], record: dict[str, Any]) -> None:
    version, handle = record["version"], handles[record["name"]]
    if version in WITHOUT_RECORD:
        handle = past_the_record(handle)
    if record["failed"] is not None:
        with pytest.raises(Exception) as raised:
            handle(record["context"])
        now, before = (_reason(text) for text in (str(raised.value), record["failed"]))
        assert now == before
    else:
        now, before = (json.loads(text) for text in (handle(record["context"]), record["answer"]))
        if version in WITHOUT_RECORD:
            now, before = without_differences(now), without_differences(before)
        carried, carried_before = (_state_of_next_execution(each, record["name"]) for each in (now, before))
        assert plain(carried, version) == plain(carried_before, version)
        assert plain(now, version) == plain(before, version)


@pytest.mark.parametrize("record", _recorded("instances"))
def test_a_run_is_shown_as_before(record: dict[str, Any]) -> None:
    state = Run.from_json(decoded_input(record["input"]))
    for run, expected in ((state, record["view"]), (None, record["listed"])):
        view = view_of(
            record["runtimeStatus"],
            record["customStatus"],
            record["output"],
            state=run,
            updated_at=after(2 * 86_400),
        )
        assert expected.keys() <= view.keys()
        known = {name: value for name, value in view.items() if name in expected}
        assert _without_words(known) == _without_words(expected)
        assert _first_sentence(view) == _first_sentence(expected)


@pytest.mark.parametrize("record", _recorded("entities"))
def test_an_entity_goes_on(record: dict[str, Any]) -> None:
    """An entity of an earlier version keeps its state: what its operations did is done by the ledger."""
    send = sender(ENTITIES[record["entity"]], record["entity"])
    answer = send((record["operation"], record["input"]), state=record["state"])
    is_earlier = ENTITIES[record["entity"]] is entities.earlier_version.bp
    assert answer.state == record["state" if is_earlier else "new_state"]
    assert answer.results == [record["result"]]


@pytest.mark.parametrize(
    "record", [each for each in _recorded("entities") if each.values[0]["entity"] == "submission"]
)
def test_the_submission_of_an_entity_goes_on_in_a_row(record: dict[str, Any]) -> None:
    before = Submission.from_json(record["state"])
    change = getattr(before, record["operation"])
    after = asdict(change(**record["input"]) if record["input"] else change())
    assert {name: after[name] for name in record["new_state"]} == record["new_state"]


def _state_of_next_execution(answer: dict[str, Any], orchestrator: str) -> Any:
    """The input of the next execution, as today's version reads it; removed from ``answer``."""
    [actions] = answer["actions"]
    carried = [action for action in actions if action["actionType"] == CONTINUE_AS_NEW]
    answer["actions"] = [[action for action in actions if action not in carried]]
    return [STATES[orchestrator].from_json(json.loads(each["input"])).to_json() for each in carried]


def _reason(text: str) -> Reason:
    return read_reason(text.partition("\n\n$OutOfProcData$:")[0])


def _without_words(view: Any) -> Any:
    """Words are for people, and get better with each version."""
    codes = {name: view[name] and view[name]["code"] for name in ("problem", "error")}
    return {**view, **codes}


def _first_sentence(view: Any) -> list[str]:
    failures = (view[name] for name in ("problem", "error") if view[name])
    return [failure["message"].partition(".")[0] for failure in failures]
