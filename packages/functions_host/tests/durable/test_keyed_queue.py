"""The queue of keys."""

from functions_host.durable.keyed_queue import KeyedQueue


def test_a_key_is_worked_on_once_at_a_time_and_comes_again() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert queue.take() == "a"
    queue.add("a")
    queue.add("a")
    assert (queue.take(), queue.take(), queue.running) == ("b", None, 2)
    queue.release("a")
    assert (queue.take(), queue.take()) == ("a", None)
