"""Jobs on disk: one SQLite row each, so that a restarted service still knows them."""

import sqlite3
from pathlib import Path

from pydantic import TypeAdapter

from local.azure_ml.jobs.job import Job

_JOB = TypeAdapter(Job)


class JobStore:
    """Survives a killed process; a power failure may lose the last writes."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS jobs (name TEXT PRIMARY KEY, created_at REAL, document BLOB)"
        )

    def save(self, job: Job) -> None:
        self._db.execute(
            "INSERT INTO jobs VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET document = excluded.document",
            (job.name, job.created_at, _JOB.dump_json(job)),
        )

    def load(self) -> list[Job]:
        """All jobs, oldest first."""
        rows = self._db.execute("SELECT document FROM jobs ORDER BY created_at, rowid")
        return [_JOB.validate_json(document) for (document,) in rows]

    def close(self) -> None:
        self._db.close()
