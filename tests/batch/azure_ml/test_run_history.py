"""What is read from answers of run history. Whole calls are tested end to end."""

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given

from batch import thread_pools
from batch.azure_ml import run_history
from batch.azure_ml.job_log import favourite, last_lines
from batch.azure_ml.run_history import HistoryRun
from tests.batch.azure_ml.json_values import json_values
from tests.batch.builders import ENDPOINT_URI, settings

STEP: dict[str, Any] = {
    "runId": "2b1c5a52-0c1d-4f0e-9a43-0d0c6a5d9c01",
    "name": "a",
    "displayName": "batchscoring",
    "runType": "azureml.StepRun",
    "status": "Failed",
    "endTimeUtc": "2026-01-31T12:00:00Z",
    "error": {"error": {"code": "UserError", "message": "It is full."}, "correlation": None},
    "logFiles": {"user_logs/std_log.txt": "https://a.blob.core.windows.net/x?sig=S3cr3t", "odd": 5},
}


def test_a_step_is_read() -> None:
    step = HistoryRun.parse(STEP)
    assert step is not None
    assert (step.run_id, step.step, step.failed, step.is_pipeline) == (
        STEP["runId"],
        "batchscoring",
        True,
        False,
    )
    assert step.error == {"code": "UserError", "message": "It is full."}
    assert list(step.logs) == ["user_logs/std_log.txt"]
    assert "S3cr3t" not in repr(step)


def test_a_pipeline_as_a_step_is_known_by_its_type() -> None:
    step = HistoryRun.parse({**STEP, "runType": "azureml.PipelineRun", "displayName": None})
    assert step is not None and step.is_pipeline
    assert step.step == "a"


@pytest.mark.parametrize("run_id", [None, 5, "", "a/b", "..", "a" * 300, "a?b"])
def test_what_could_not_be_part_of_an_address_is_no_run(run_id: object) -> None:
    assert HistoryRun.parse({**STEP, "runId": run_id}) is None


@pytest.mark.parametrize(
    ("body", "asked", "found"),
    [({"runId": "Job-1"}, "job-1", True), ({}, "job-1", True), ({"runId": "job-2"}, "job-1", False)],
)
def test_details_of_another_run_are_not_believed(body: dict[str, str], asked: str, found: bool) -> None:
    assert (HistoryRun.parse(body, asked) is not None) is found


@given(json_values, json_values, json_values)
def test_anything_else_is_left_out(first: Any, second: Any, third: Any) -> None:
    body = {"displayName": first, "status": second, "error": third, "logFiles": first, "runType": third}
    step = HistoryRun.parse(body, "job-1")
    assert step is not None
    assert isinstance(step.status, str) and isinstance(step.error, dict)
    assert all(isinstance(url, str) for url in step.logs.values())


async def test_readers_of_logs_take_no_thread_of_an_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(run_history, "read_job", lambda *_: released.wait(30))
    readers = [asyncio.create_task(last_lines(ENDPOINT_URI, "job-1", None, 1, settings())) for _ in range(30)]
    await asyncio.sleep(0)
    try:
        assert thread_pools.run_history.submit(lambda: "answer").result(timeout=10) == "answer"
    finally:
        released.set()
        await asyncio.gather(*readers, return_exceptions=True)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["user_logs/std_log.txt", "system_logs/lifecycler/a.log"], "user_logs/std_log.txt"),
        (
            ["user_logs/std_log_process_1.txt", "user_logs/std_log_process_0.txt"],
            "user_logs/std_log_process_0.txt",
        ),
        (["user_logs/std_log_1.txt", "system_logs/a.log"], "user_logs/std_log_1.txt"),
        (
            ["azureml-logs/20_image_build_log.txt", "azureml-logs/70_driver_log.txt"],
            "azureml-logs/70_driver_log.txt",
        ),
        (["logs/azureml/executionlogs.txt", "logs/azureml/stderrlogs.txt"], "logs/azureml/stderrlogs.txt"),
        (["system_logs/cs_capability/cs-capability.log"], "system_logs/cs_capability/cs-capability.log"),
        (["outputs/model.bin"], None),
        ([], None),
    ],
)
def test_the_log_of_the_script_comes_first(names: list[str], found: str | None) -> None:
    assert favourite(names) == found
