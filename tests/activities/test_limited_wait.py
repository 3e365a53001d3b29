"""After a wait in vain the next ones are short, for a while."""

from activities.limited_wait import LimitedWait


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def wait(limit: LimitedWait, clock: Clock, takes: float = float("inf")) -> float:
    """How long a wait was that an answer ends after ``takes`` seconds."""
    with limit.seconds() as seconds:
        clock.now += min(seconds, takes)
    return min(seconds, takes)


def test_waits_are_short_while_the_service_hangs() -> None:
    clock = Clock()
    limit = LimitedWait(10, 2, clock)
    assert [wait(limit, clock) for _ in range(4)] == [10, 2, 2, 2]
    clock.now += 30
    assert [wait(limit, clock, takes=1), wait(limit, clock), wait(limit, clock)] == [1, 10, 2]


def test_an_answer_that_takes_its_time_shortens_no_wait() -> None:
    clock = Clock()
    limit = LimitedWait(10, 2, clock)
    assert [wait(limit, clock, takes=9) for _ in range(3)] == [9, 9, 9]
