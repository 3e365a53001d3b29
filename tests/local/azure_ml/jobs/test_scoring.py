"""Scoring: the sample script over the sample data, scripts that fail, outputs that exist, cancel."""

import csv
import io
import os
from pathlib import Path

import pytest

from local.azure_ml import Deployment, Workspace, even_pace
from local.azure_ml.jobs.job import Creator, DataInput, DataOutput, JobRequest, new_job
from local.azure_ml.jobs.runner import append_rows
from local.azure_ml.jobs.scoring import Scorer
from local.azure_ml.jobs.storage import Storage
from tests.local.azure_ml.api import Api
from tests.waiting import wait_for

BLOBSTORE = "azureml://datastores/workspaceblobstore/paths"
ENDLESS = """
import os, time
def init(): pass
def run(mini_batch):
    open(os.environ["AZUREML_BI_OUTPUT_PATH"] + "/pid", "w").write(str(os.getpid()))
    time.sleep(600)
"""


def script(folder: Path, text: str) -> Deployment:
    path = folder / "script.py"
    path.write_text(text)
    return Deployment("default", script=path)


def ended(api: Api, job: str, status: str = "Completed") -> dict[str, object]:
    return api.control.wait_for_status(job, status)


def test_the_sample_data_is_really_scored(api: Api) -> None:
    job = api.started(output=f"{BLOBSTORE}/real/predictions.csv")
    assert ended(api, job)["rows"] == 672
    placed = api.info.datastores["workspaceblobstore"] / "real" / "predictions.csv"
    rows = list(csv.reader(placed.read_text().splitlines()))
    assert len(rows) == 672
    assert {len(row) for row in rows} == {4}
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert len({row[1] for row in rows}) == 672
    assert all(0 <= float(row[2]) <= 1 and (row[3] == "left_on") == (float(row[2]) >= 0.5) for row in rows)
    assert 10 < sum(row[3] == "left_on" for row in rows) < 100


def test_every_mini_batch_gets_its_share_of_files_in_order(api: Api) -> None:
    job = api.started(deployment="challenger")
    ended(api, job)
    log = str(api.control.job(job)["log"])
    assert [line for line in log.splitlines() if line.startswith("scored")] == [
        f"scored {count} of 4 files" for count in (1, 2, 3, 4)
    ]


def test_a_job_has_its_own_size_of_mini_batches_and_name_of_the_output_file(api: Api) -> None:
    folder = {"x": {"JobInputType": "UriFolder", "Uri": "azureml://datastores/demo/paths/"}}
    own = {"InputData": folder, "miniBatchSize": 3, "outputFileName": "scores.csv"}
    job = api.invoke(properties=own).json()["name"]
    output = {"y": {"JobOutputType": "UriFolder", "Uri": f"{BLOBSTORE}/own-name/"}}
    other = api.invoke(properties={**own, "OutputData": output}).json()["name"]
    ended(api, job)
    ended(api, other)
    assert "scored 3 of 4 files" in str(api.control.job(job)["log"])
    store = api.info.datastores["workspaceblobstore"]
    assert [path.name for path in (store / "azureml" / job / "score").iterdir()] == ["scores.csv"]
    assert [path.name for path in (store / "own-name").iterdir()] == ["scores.csv"]


def test_without_an_output_the_default_store_gets_the_predictions(api: Api) -> None:
    job = api.started()
    ended(api, job)
    store = api.info.datastores["workspaceblobstore"]
    assert (store / "azureml" / job / "score" / "predictions.csv").stat().st_size > 1000


def test_one_file_as_input(api: Api) -> None:
    uri = "azureml://datastores/demo/paths/birch-lane-4.csv"
    answer = api.invoke(properties={"InputData": {"x": {"JobInputType": "UriFile", "Uri": uri}}})
    assert ended(api, answer.json()["name"])["rows"] == 168


def test_pipeline_component_literals_and_named_outputs(start_service, api_of, tmp_path: Path) -> None:
    text = """
import os
def init(): pass
def run(mini_batch):
    return [(os.path.basename(path), os.environ["AZUREML_LITERAL_MODE"]) for path in mini_batch]
"""
    path = tmp_path / "script.py"
    path.write_text(text)
    api = api_of(start_service(deployments=(Deployment("default", "pipeline-component", path),)))
    output = {"JobOutputType": "UriFolder"}
    job = api.started(
        properties={
            "InputData": {
                "all": {"JobInputType": "UriFolder", "Uri": "azureml://datastores/demo/paths/"},
                "mode": {"JobInputType": "Literal", "Value": True},
            },
            "OutputData": {
                "one": {**output, "Uri": f"{BLOBSTORE}/one/"},
                "two": {"JobOutputType": "UriFile", "Uri": f"{BLOBSTORE}/two.csv"},
            },
        }
    )
    assert ended(api, job)["rows"] == 4
    store = api.info.datastores["workspaceblobstore"]
    written = (store / "one" / "predictions.csv").read_text()
    assert written.splitlines()[0] == "birch-lane-4.csv,True"
    assert (store / "two.csv").read_text() == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def init(): raise OSError('no such model')\ndef run(mini_batch): return []", "no such model"),
        ("def init(): pass\ndef run(mini_batch): raise ValueError('bad row 7')", "bad row 7"),
        ("def init(): pass\ndef run(mini_batch): return None", "must return a list or a DataFrame"),
        ("def init(): pass", "has no attribute 'run'"),
        ("import nowhere", "No module named 'nowhere'"),
        ("import storage", "No module named 'storage'"),  # a neighbour of the runner
        ("import os\ndef init(): os._exit(3)", "exit code 3"),
    ],
)
def test_a_failing_script_fails_the_job(start_service, api_of, tmp_path: Path, text: str, words: str) -> None:
    api = api_of(start_service(deployments=(script(tmp_path, text),)))
    job = api.started(output=f"{BLOBSTORE}/none.csv")
    failed = ended(api, job, "Failed")
    assert words in str(failed["error"])
    assert not (api.info.datastores["workspaceblobstore"] / "none.csv").exists()
    if "exit code 3" not in words:
        assert words in str(api.control.job(job)["log"])


@pytest.mark.parametrize(
    ("uri", "output", "words"),
    [
        ("azureml://datastores/demo/paths/none/", None, "does not exist"),
        ("azureml://datastores/demo/paths/../", None, "leaves its datastore"),
        ("azureml://datastores/nobody/paths/", None, "datastore nobody does not exist"),
        ("azureml://datastores/demo/paths/", f"{BLOBSTORE}/../out.csv", "leaves its datastore"),
        ("azureml://datastores/demo/paths/", f"{BLOBSTORE}/there.csv", "the path already exists"),
    ],
)
def test_data_that_cannot_be_had_fails_the_job(api: Api, uri: str, output: str | None, words: str) -> None:
    there = api.info.datastores["workspaceblobstore"] / "there.csv"
    there.write_text("mine")
    job = api.started(uri=uri, output=output)
    assert words in str(ended(api, job, "Failed")["error"])
    assert there.read_text() == "mine"


def test_of_two_jobs_with_one_output_one_completes(api: Api) -> None:
    hold = api.control.hold("Preparing")
    jobs = [api.started(output=f"{BLOBSTORE}/shared.csv") for _ in range(2)]
    api.control.release(hold)
    wait_for(
        "an end of each kind",
        lambda: {api.control.job(job)["status"] for job in jobs} == {"Completed", "Failed"},
    )


def test_the_script_sees_nothing_secret(start_service, api_of, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hidden")
    text = "import os\ndef init(): pass\ndef run(mini_batch): return sorted(os.environ)"
    api = api_of(start_service(deployments=(script(tmp_path, text),)))
    job = api.started(output=f"{BLOBSTORE}/environment.txt")
    ended(api, job)
    names = (api.info.datastores["workspaceblobstore"] / "environment.txt").read_text().split()
    assert "AZUREML_RUN_ID" in names
    assert not [name for name in names if name.startswith(("AZURE_", "IDENTITY_"))]


def wait_for_pid(api: Api, service_state: Path, job: str) -> int:
    path = service_state / "jobs" / job / "pid"
    return int(wait_for("the start of the script", lambda: path.exists() and path.read_text()))


def wait_for_end(pid: int) -> None:
    wait_for("the end of the process", lambda: not Path(f"/proc/{pid}").exists())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_cancel_kills_the_scoring_process(start_service, api_of, tmp_path: Path) -> None:
    api = api_of(start_service(deployments=(script(tmp_path, ENDLESS),)))
    job = api.started(output=f"{BLOBSTORE}/never.csv")
    pid = wait_for_pid(api, tmp_path / "state", job)
    assert api.cancel(job).status_code == 202
    ended(api, job, "Canceled")
    wait_for_end(pid)
    assert not (api.info.datastores["workspaceblobstore"] / "never.csv").exists()


def test_scripts_take_turns_and_a_job_that_waits_for_its_turn_can_be_cancelled(
    start_service, api_of, tmp_path: Path
) -> None:
    api = api_of(start_service(deployments=(script(tmp_path, ENDLESS),), max_scoring=1))
    first = api.started()
    wait_for_pid(api, tmp_path / "state", first)
    second = api.started()
    ended(api, second, "Running")
    assert api.cancel(second).status_code == 202
    ended(api, second, "Canceled")
    assert not (tmp_path / "state" / "jobs" / second).exists()
    assert api.control.job(first)["status"] == "Running"


def test_a_restart_scores_again_what_was_running(start_service, api_of, tmp_path: Path) -> None:
    service = start_service(deployments=(script(tmp_path, ENDLESS),))
    api = api_of(service)
    job = api.started(output=f"{BLOBSTORE}/second-try.csv")
    pid = wait_for_pid(api, tmp_path / "state", job)
    service.stop()
    wait_for_end(pid)
    quick = "def init(): pass\ndef run(mini_batch): return ['again']"
    again = api_of(start_service(deployments=(script(tmp_path, quick),)))
    ended(again, job)
    assert (again.info.datastores["workspaceblobstore"] / "second-try.csv").read_text() == "again\n"


@pytest.mark.parametrize(("there", "error"), [("a,1\n", None), ("other\n", "the path already exists")])
async def test_placing_goes_on_after_a_kill(tmp_path: Path, there: str, error: str | None) -> None:
    """A kill after the file is placed, and before that is stored: the job recognizes its own output."""
    store = tmp_path / "store"
    store.mkdir()
    deployment = Deployment("default", script=tmp_path / "gone.py")
    output = {"score": DataOutput("UriFile", "azureml://datastores/store/paths/out.csv")}
    (store / "in.csv").touch()
    data = {"data": DataInput("UriFile", "azureml://datastores/store/paths/in.csv")}
    request = JobRequest(inputs=data, outputs=output)
    job = new_job(deployment, request, Creator("runner", "Application"), even_pace(0), now=0.0)
    folder = tmp_path / "jobs" / job.name
    folder.mkdir(parents=True)
    (folder / "predictions.csv").write_text("a,1\n")
    (folder / "placing").touch()
    (store / "out.csv").write_text(there)
    scorer = Scorer(tmp_path / "jobs", Storage(Workspace(), {"store": store}, {}, {}), (deployment,))
    scored = await scorer.score(job)
    assert (error in str(scored.error)) if error else scored.error is None
    assert (store / "out.csv").read_text() == there


class _Frame:
    """The part of a DataFrame that the runner uses."""

    def __len__(self) -> int:
        return 2

    def to_csv(self, file: io.StringIO, header: bool, index: bool) -> None:
        assert (header, index) == (False, False)
        file.write("1,a\n2,b\n")


@pytest.mark.parametrize(
    ("result", "written", "count"),
    [
        (["a,1", "b,2"], "a,1\nb,2\n", 2),
        ([("a", 1), ["b,c", 2]], 'a,1\n"b,c",2\n', 2),
        ([0.5], "0.5\n", 1),
        ([], "", 0),
        (_Frame(), "1,a\n2,b\n", 2),
    ],
)
def test_rows_as_scripts_return_them(result: object, written: str, count: int) -> None:
    file = io.StringIO()
    assert append_rows(result, file) == count
    assert file.getvalue() == written
