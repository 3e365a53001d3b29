"""What an orchestration must repeat because an earlier version of the app began it."""

from batch.errors import ErrorCode
from batch.run.patience import PATIENCE, Patience

_WITHOUT_LEDGER = frozenset({"", "1.0", "1.1"})


def kept_owners_in_entities(version: str | None) -> bool:
    """Whether the instance was started by a version that signals the owner of a job to an entity.

    Its executions that are under way have the signal in their history, so each of them sends it. Continue-as-new
    keeps the version of an instance. Delete this when no run is in flight that such a version started.
    """
    return version is None or version in _WITHOUT_LEDGER


_WITH_LESS_PATIENCE = _WITHOUT_LEDGER | {"1.2"}
_EARLIER_PATIENCE = Patience(
    transient=frozenset({ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.SUBMISSION_UNCERTAIN}),
    waits_for_roles=False,
)


def patience_of(version: str | None) -> Patience:
    """The patience of the version that started the instance.

    Before 1.3 a run without a token ended after five tries, and a run whose submission was refused at once. An
    execution that has ended in this way is replayed until its end is recorded, and must decide the same. Delete this
    when no run is in flight that such a version started.
    """
    return _EARLIER_PATIENCE if version is None or version in _WITH_LESS_PATIENCE else PATIENCE


_WITHOUT_DESCRIPTION = _WITH_LESS_PATIENCE | {"1.3"}


def describes_its_end(version: str | None) -> bool:
    """Whether the instance was started by a version that asks why the job failed, and where its outputs are.

    The history of an execution of an earlier version has no such step between the last check and the end. Delete this
    when no run is in flight that such a version started.
    """
    return version is not None and version not in _WITHOUT_DESCRIPTION


_WITHOUT_MEMORY = _WITHOUT_DESCRIPTION | {"1.4"}


def remembers_folders(version: str | None) -> bool:
    """Whether the instance was started by a version whose windows stay, closed, when they are claimed.

    An execution that an earlier version began repeats its claim as it was: the window is forgotten. Delete this when
    no window is open that such a version started: after the longest wait of a rule, and an hour.
    """
    return version is not None and version not in _WITHOUT_MEMORY
