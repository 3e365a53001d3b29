"""Scores one job: finds its files, runs the script, places the predictions."""

import asyncio
import contextlib
import filecmp
import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from local.azure_ml.config import Deployment
from local.azure_ml.jobs import runner
from local.azure_ml.jobs.job import DataOutput, Job
from local.azure_ml.jobs.storage import PREDICTIONS, Storage, StorageError

SCRIPT_FAILED = "The scoring script failed"
"""Begins the error of a job whose script has printed why."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH")


class ScoringError(Exception):
    """The script cannot run, or it failed; the text becomes the job's error."""


@dataclass(frozen=True)
class Scored:
    """``error`` is None after success; ``rows`` is None where they were not counted."""

    error: str | None = None
    rows: int | None = None


@dataclass(frozen=True)
class _Plan:
    files: list[Path]
    targets: list[Path]


class Scorer:
    """Keeps one folder per job in ``folder``: specification, ``log.txt``, predictions before they are placed."""

    def __init__(self, folder: Path, storage: Storage, deployments: tuple[Deployment, ...]) -> None:
        self._folder = folder
        self._storage = storage
        self._deployments = {deployment.name: deployment for deployment in deployments}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._killed: set[str] = set()

    def log_path(self, job: str) -> Path:
        """The file is missing before the script starts."""
        return self._folder / job / "log.txt"

    def log(self, job: str) -> str:
        path = self.log_path(job)
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, job: str) -> None:
        """Ends the scoring of a job at any stage; it does not start again."""
        self._killed.add(job)
        process = self._processes.get(job)
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    async def score(self, job: Job) -> Scored:
        """Errors of the data, the script and the configuration are not raised: they are ``Scored.error``."""
        folder = self._folder / job.name
        deployment = self._deployments.get(job.deployment)
        try:
            if deployment is None:
                raise ScoringError(f"The deployment {job.deployment} does not exist any more.")
            plan = await asyncio.to_thread(self._plan, job, folder)
            if not _placing(folder).exists():
                await self._run(job, deployment, plan, folder)
            if job.name in self._killed:
                return Scored("The job was canceled.")
            await asyncio.to_thread(_place, folder, plan.targets)
        except (StorageError, ScoringError, OSError) as error:
            self._note_in_log(job.name, str(error))
            return Scored(str(error))
        return Scored(rows=_count(folder))

    def _note_in_log(self, job: str, error: str) -> None:
        """The script has printed its own error; whatever else went wrong is only known here."""
        if not error.startswith(SCRIPT_FAILED):
            with contextlib.suppress(OSError), self.log_path(job).open("a") as log:
                log.write(f"{error}\n")

    def _plan(self, job: Job, folder: Path) -> _Plan:
        folder.mkdir(parents=True, exist_ok=True)
        inputs = [job.request.inputs[name] for name in sorted(job.request.inputs)]
        files = [file for data in inputs for file in self._storage.input_files(data)]
        outputs: list[DataOutput] = list(job.request.outputs.values())
        targets = [self._storage.output_file(output) for output in outputs]
        if not targets:
            targets = [self._storage.default_output(job.name)]
        if not _placing(folder).exists():
            for target in targets:
                _refuse_existing(target)
        return _Plan(files, targets)

    async def _run(self, job: Job, deployment: Deployment, plan: _Plan, folder: Path) -> None:
        predictions = folder / PREDICTIONS
        if deployment.script is None:
            predictions.touch()
            return
        specification = folder / "scoring.json"
        specification.write_text(
            json.dumps(
                {
                    "script": str(deployment.script.resolve()),
                    "files": [str(file) for file in plan.files],
                    "mini_batch_size": deployment.mini_batch_size,
                    "predictions": str(predictions),
                }
            )
        )
        with (folder / "log.txt").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # the runner's neighbours are not modules of the script
                runner.__file__,
                str(specification),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=_environment(job, deployment, folder),
                start_new_session=True,
            )
            self._processes[job.name] = process
            try:
                if job.name in self._killed:
                    self.kill(job.name)
                code = await process.wait()
            finally:
                del self._processes[job.name]
                if process.stdin is not None:
                    process.stdin.close()
        if code != 0:
            last = (self.log(job.name).strip().splitlines() or ["it printed nothing"])[-1]
            raise ScoringError(f"{SCRIPT_FAILED} with exit code {code}: {last}")


def _environment(job: Job, deployment: Deployment, folder: Path) -> dict[str, str]:
    """The script's environment: nothing of the service's own that could be a secret."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["AZUREML_RUN_ID"] = job.name
    environment["AZUREML_BI_OUTPUT_PATH"] = str(folder)
    if deployment.model_dir is not None:
        environment["AZUREML_MODEL_DIR"] = str(deployment.model_dir.resolve())
    for name, value in job.request.literals.items():
        environment[f"AZUREML_LITERAL_{name.upper()}"] = value
    return environment


def _count(folder: Path) -> int | None:
    rows = folder / runner.ROWS
    return int(rows.read_text()) if rows.exists() else None


def _placing(folder: Path) -> Path:
    """A file that exists once the predictions are complete: a restart then places them without scoring again."""
    return folder / "placing"


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise StorageError(f"The output cannot be written: the path already exists ({target.name}).")


def _place(folder: Path, targets: list[Path]) -> None:
    predictions = folder / PREDICTIONS
    resumed = _placing(folder).exists()
    _placing(folder).touch()
    for target in targets:
        if resumed and target.exists() and filecmp.cmp(predictions, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{folder.name}")
        shutil.copyfile(predictions, draft)
        try:
            os.link(draft, target)  # unlike a rename, this fails if the target exists
        except FileExistsError:
            _refuse_existing(target)
            raise
        finally:
            draft.unlink()
