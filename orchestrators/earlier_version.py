"""What an orchestration must repeat because an earlier version of the app began it."""

_WITHOUT_LEDGER = frozenset({"", "1.0", "1.1"})


def kept_owners_in_entities(version: str | None) -> bool:
    """Whether the instance was started by a version that signals the owner of a job to an entity.

    Its executions that are under way have the signal in their history, so each of them sends it. Continue-as-new
    keeps the version of an instance. Delete this when no run is in flight that such a version started.
    """
    return version is None or version in _WITHOUT_LEDGER
