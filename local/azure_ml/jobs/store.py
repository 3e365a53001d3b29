"""Jobs on disk: one SQLite row each, so that a restarted service still knows them."""

import logging
import sqlite3
from pathlib import Path

from pydantic import TypeAdapter

from local.azure_ml.jobs.job import Job

_JOB = TypeAdapter(Job)
_LOG = logging.getLogger(__name__)


class JobStore:
    """Survives a killed process; a power failure may lose the last writes.

    A job that cannot be written, because the disk is full, is written with the next one.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS jobs (name TEXT PRIMARY KEY, created_at REAL, document BLOB)"
        )
        self._unwritten: dict[str, Job] = {}

    def save(self, job: Job) -> None:
        self._unwritten[job.name] = job
        self._write()

    def _write(self) -> None:
        try:
            for job in list(self._unwritten.values()):
                self._db.execute(
                    "INSERT INTO jobs VALUES (?, ?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET document = excluded.document",
                    (job.name, job.created_at, _JOB.dump_json(job)),
                )
                del self._unwritten[job.name]
        except sqlite3.OperationalError as error:
            _LOG.warning("%d jobs are not written yet: %s", len(self._unwritten), error)

    def load(self) -> list[Job]:
        """All jobs, oldest first."""
        rows = self._db.execute("SELECT document FROM jobs ORDER BY created_at, rowid")
        return [_JOB.validate_json(document) for (document,) in rows]

    def close(self) -> None:
        self._write()
        self._db.close()
