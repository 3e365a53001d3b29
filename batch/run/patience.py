"""Which failures of its steps a run waits out. Each version of the app has its own, which its runs keep."""

from dataclasses import dataclass

from batch.errors import TRANSIENT_CODES


@dataclass(frozen=True, slots=True)
class Patience:
    """``transient``: codes of failures that pass by themselves, and so do not count towards giving up.

    ``waits_for_roles``: a submission that is refused with 401 or 403 is tried again for a grace.
    """

    transient: frozenset[str]
    waits_for_roles: bool


PATIENCE = Patience(transient=frozenset(TRANSIENT_CODES), waits_for_roles=True)
