"""JSON of any shape, as Python reads it, for property tests."""

from typing import Any

from hypothesis import strategies as st

_texts = st.text(max_size=8) | st.sampled_from(["\x00", "\ud800", " ", "UserError", "private link"])
_numbers = st.integers() | st.floats() | st.just(10**4_000)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


def deep(levels: int) -> Any:
    """Lists in lists: as deep as a reader of JSON still accepts, and deeper than ``str`` can show."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value
