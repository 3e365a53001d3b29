"""What data lakes really send: renames, copies that have only begun, markers, hidden paths, and unusual names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.azure_ml import Phase
from local.machine import Events, LocalMachine, MachineConfig
from tests.end_to_end.harness import App
from tests.end_to_end.new_data import CONTAINER, deliver, jobs, rule, runs, wait_until_quiet
from tests.waiting import wait_for

RULES = (
    rule(prefix="out/", suffix=".csv", deployment="default"),
    rule(prefix="one/", suffix=".csv", start="file"),
    rule(prefix="marked/", start="marker"),
    rule(
        prefix="raw/",
        start="file",
        deployment="default",
        input_uri="azureml://datastores/incoming/paths/{path}",
    ),
)
_TIME_SCALE = 60.0
"""The quiet period of a folder lasts a second."""
SAMPLE = (Path("samples") / "data" / "birch-lane-4.csv").read_text()


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    """Its container is a datastore, too."""
    state = tmp_path_factory.mktemp("lake-events")
    config = MachineConfig(
        state,
        pace=(Phase("Preparing", 0.0), Phase("Running", 0.0), Phase("Finalizing", 0.0)),
        datastores={"incoming": state / "incoming"},
        settings={"NEW_DATA_RULES": json.dumps(RULES)},
        events=Events(watch=False),
        time_scale=_TIME_SCALE,
    )
    (state / "incoming").mkdir()
    with LocalMachine(config) as machine:
        yield machine


@pytest.fixture
def machine(one_machine: LocalMachine) -> Iterator[LocalMachine]:
    """Each test has its own folder. The count of jobs starts again at zero."""
    yield one_machine
    one_machine.control.reset()


def _event(
    name: str, api: str, length: int | None, version: str, kind: str = "Microsoft.Storage.BlobCreated"
) -> dict[str, Any]:
    data = {
        "api": api,
        "contentLength": length,
        "eTag": version,
        "blobType": "BlockBlob",
        "url": f"https://{CONTAINER.account}.dfs.core.windows.net/{CONTAINER.name}/{name}",
    }
    return {
        "id": f"e-{version}",
        "topic": CONTAINER.topic,
        "subject": f"/blobServices/default/containers/{CONTAINER.name}/blobs/{name}",
        "eventType": kind,
        "eventTime": "2026-01-31T12:00:00Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": data,
    }


def _written(machine: LocalMachine, *paths: str) -> None:
    for path in paths:
        file = machine.incoming / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SAMPLE)


def _sent(machine: LocalMachine, *events: dict[str, Any]) -> None:
    for event in events:
        assert deliver(machine, event).status_code == 202
    wait_until_quiet(machine)


def _ignored(machine: LocalMachine, name: str) -> list[str]:
    """Why uploads of that name were ignored, as the log says."""
    log = machine.host.log.read_text()
    return re.findall(rf'upload_ignored blob="?incoming/{re.escape(name)}"? reason=(\w+)', log)


def test_files_of_task_attempts_start_nothing(machine: LocalMachine) -> None:
    name = "out/a/_temporary/0/_temporary/attempt_202601311200_0001_m_000000_1/part-00000-x.csv"
    _written(machine, name)
    _sent(machine, _event(name, "FlushWithClose", 1_024, "0x8DC1"))
    assert runs(machine, "out/a") == []
    assert _ignored(machine, name) == ["hidden"]


def test_a_file_that_gets_its_name_by_a_rename_starts_a_run(machine: LocalMachine) -> None:
    _written(machine, "out/b/part-00000-x.csv")
    renamed = _event("out/b/part-00000-x.csv", "RenameFile", 0, "0x8DC2", "Microsoft.Storage.BlobRenamed")
    _sent(machine, renamed, renamed)
    [run] = runs(machine, "out/b")
    assert (run["phase"], run["source"]["count"], jobs(machine)) == ("Completed", 1, 1)


def test_a_copy_that_has_only_begun_joins_its_folder(machine: LocalMachine) -> None:
    _written(machine, "out/c/a.csv")
    _sent(machine, _event("out/c/a.csv", "CopyBlob", 0, "0x8DC3"))
    [run] = runs(machine, "out/c")
    assert (run["phase"], run["source"]["names"]) == ("Completed", ["a.csv"])


def test_a_copy_that_has_only_begun_waits_under_a_file_rule(machine: LocalMachine) -> None:
    """The content follows without an event. A copy that is announced with its length is there."""
    machine.clock.run(0)
    _written(machine, "one/d/a.csv", "one/d/b.csv")
    for event in (
        _event("one/d/a.csv", "CopyBlob", 0, "0x8DC3"),
        _event("one/d/b.csv", "CopyBlob", 8, "0x8DC4"),
    ):
        assert deliver(machine, event).status_code == 202
    wait_for("the whole copy's run", lambda: len(runs(machine, "one/d")) == 1)
    machine.clock.run(_TIME_SCALE)
    wait_until_quiet(machine)
    assert sorted(run["source"]["names"] for run in runs(machine, "one/d")) == [["a.csv"], ["b.csv"]]


MARKER_EVENTS = {
    "created": [("CreateFile", "0x8DC4")],
    "created and closed": [("CreateFile", "0x8DC4"), ("FlushWithClose", "0x8DC5")],
    "closed and created": [("FlushWithClose", "0x8DC5"), ("CreateFile", "0x8DC4")],
    "all twice": [("CreateFile", "0x8DC4"), ("FlushWithClose", "0x8DC5")] * 2,
    "closed": [("FlushWithClose", "0x8DC5")],
    "put": [("PutBlob", "0x8DC6")],
    "renamed": [("RenameFile", "0x8DC7")],
}


@pytest.mark.parametrize("how", MARKER_EVENTS)
def test_a_marker_counts_once_however_it_was_made(machine: LocalMachine, how: str) -> None:
    folder = f"marked/{how.replace(' ', '-')}"
    _written(machine, f"{folder}/part-0.csv", f"{folder}/_SUCCESS")
    for api, version in MARKER_EVENTS[how]:
        kind = "Microsoft.Storage.BlobRenamed" if api == "RenameFile" else "Microsoft.Storage.BlobCreated"
        _sent(machine, _event(f"{folder}/_SUCCESS", api, 0, version, kind))
    [run] = [run for run in runs(machine, folder) if run["source"]["folder"] == folder]
    assert (run["source"]["names"], jobs(machine)) == (["_SUCCESS"], 1)


def test_a_marker_that_is_written_anew_starts_another_run(machine: LocalMachine) -> None:
    _written(machine, "marked/daily/part-0.csv", "marked/daily/_SUCCESS")
    for day in ("2026-01-30", "2026-01-31"):
        for api in ("CreateFile", "FlushWithClose"):
            event = _event("marked/daily/_SUCCESS", api, 0, f"{day}-{api}")
            _sent(machine, {**event, "eventTime": f"{day}T12:00:00Z"})
    assert (len(runs(machine, "marked/daily")), jobs(machine)) == (2, 2)


def test_a_marker_in_a_folder_of_task_attempts_starts_nothing(machine: LocalMachine) -> None:
    _sent(machine, _event("marked/e/_temporary/0/_SUCCESS", "CreateFile", 0, "0x8DC8"))
    assert runs(machine, "marked/e") == []


def test_an_upload_that_no_rule_takes_leaves_one_line_with_the_closest_reason(machine: LocalMachine) -> None:
    ignored = {
        "elsewhere/a.csv": ("PutBlob", 8, ["prefix"]),
        "out/f/a.txt": ("PutBlob", 8, ["suffix"]),
        "out/f/empty.csv": ("PutBlob", 0, ["empty"]),
        "marked/f/part-0.csv": ("FlushWithClose", 8, ["marker"]),
        "out/f/new.csv": ("PutByMagic", 8, ["api"]),
        # The end of the upload says why; an empty file that is never closed is not worth a line for each.
        "out/f/open.csv": ("CreateFile", 0, []),
    }
    for number, (name, (api, length, _)) in enumerate(ignored.items()):
        _sent(machine, _event(name, api, length, f"0x9{number}"))
    assert {name: _ignored(machine, name) for name in ignored} == {
        name: reasons for name, (_, _, reasons) in ignored.items()
    }
    assert runs(machine, "out/f") == runs(machine, "marked/f") == runs(machine, "elsewhere") == []


def test_a_name_that_was_damaged_on_the_way_starts_nothing_and_is_logged(machine: LocalMachine) -> None:
    _sent(machine, _event("out/g/smile-\ufffd.csv", "PutBlob", 8, "0x8DC9"))
    assert runs(machine, "out/g") == []
    assert re.search(r"event_malformed event_id=e-0x8DC9 .*smile-.*U\+FFFD", machine.host.log.read_text())


def test_the_most_common_layout_of_lakes_is_read_as_it_is(machine: LocalMachine) -> None:
    """Equals signs stay in each form, and the output names folder and date."""
    folder = "date=2026-01-31/100%"
    _written(machine, f"out/{folder}/part-0.csv", f"raw/{folder}/part-0.csv")
    _sent(
        machine,
        _event(f"out/{folder}/part-0.csv", "PutBlob", 8, "0x8DCA"),
        _event(f"raw/{folder}/part-0.csv", "PutBlob", 8, "0x8DCB"),
    )
    uris = {}
    for place in ("out", "raw"):
        [run] = runs(machine, f"{place}/{folder}")
        assert run["phase"] == "Completed", run
        request = App(machine.url).run(run["run_id"])["request"]
        uris[place] = request["inputs"]["input_data"]["uri"]
        assert request["outputs"]["output_data"]["uri"] == (
            "azureml://datastores/workspaceblobstore/paths/batch-runs/"
            f"{place}/{folder}/2026-01-31/{run['run_id']}/predictions.csv"
        )
    assert uris == {
        "out": "https://localdata.blob.core.windows.net/incoming/out/date=2026-01-31/100%25/",
        "raw": "azureml://datastores/incoming/paths/raw/date=2026-01-31/100%/part-0.csv",
    }


def test_a_name_that_the_form_cannot_hold_starts_nothing_and_the_log_says_what_to_do(
    machine: LocalMachine,
) -> None:
    _sent(machine, _event("raw/monday data/a.csv", "PutBlob", 8, "0x8DCC"))
    assert runs(machine, "raw/monday") == []
    log = machine.host.log.read_text()
    assert 'blob_makes_no_request blob="incoming/raw/monday data/a.csv"' in log
    assert re.search(r"input_uri: \{path\} .* a space, .*https://, where it is %20", log)
