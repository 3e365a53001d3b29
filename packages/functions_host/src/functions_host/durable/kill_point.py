"""A moment at which a test ends the host, as SIGKILL would."""

import os
import signal


class KillPoint:
    """Between the history of one episode and the row of its instance; ``episode`` counts from 1, in this process.

    durable-functions behaviour: the extension writes an episode's history first, then the row that status queries
    read. Killed in between, it later corrects the row's status and output by the history, but its custom status stays
    what it was. That an instance which goes on is corrected by its next episode, and not before, is assumed; so is
    that the row of one that continues as new keeps its custom status alone.
    """

    def __init__(self, episode: int) -> None:
        self._episodes_left = episode

    def reached(self) -> bool:
        """Counts an episode; whether its row is the one that is not written."""
        self._episodes_left -= 1
        return self._episodes_left == 0

    def kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
