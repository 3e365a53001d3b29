"""The cache of histories."""

from functions_host.durable.execution_cache import Execution, ExecutionCache


def test_the_cache_forgets_the_oldest_and_what_is_of_another_execution() -> None:
    cache = ExecutionCache(limit=10)
    cache.put("a", Execution("1", ["xxxx"]))
    cache.put("b", Execution("1", ["xxxx"]))
    cache.put("c", Execution("1", ["xxxx"]))
    assert cache.take("a", "1") is None
    assert cache.take("b", "2") is None
    taken = cache.take("c", "1")
    assert taken is not None
    cache.put("c", taken)
    cache.drop("c")
    assert cache.take("c", "1") is None
