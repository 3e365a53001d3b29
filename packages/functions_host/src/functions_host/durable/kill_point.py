"""A moment at which the host kills itself, for tests."""

import os
import signal


class KillPoint:
    """After the history of one episode and before the row of its instance. ``episode`` counts from 1, per process.

    durable-functions behaviour: the extension first writes the history of an episode, then the row that status
    queries read. After a kill between the two it later corrects status and output of the row from the history; the
    custom status stays as it was. Two facts are assumed, not recorded: the next episode corrects the row of an
    instance that has not ended; after continue-as-new only the custom status of the row stays as it was.
    """

    def __init__(self, episode: int) -> None:
        self._episodes_left = episode

    def reached(self) -> bool:
        """Counts one episode. True if its row must not be written."""
        self._episodes_left -= 1
        return self._episodes_left == 0

    def kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
