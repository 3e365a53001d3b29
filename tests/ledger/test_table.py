"""What each table behind the ledger must do: SQLite, and Azure Table Storage as its emulator shows it."""

import asyncio
from collections.abc import Sequence

import pytest

from ledger.table import (
    Change,
    Comparison,
    Condition,
    Delete,
    Insert,
    Key,
    Merge,
    Query,
    Replace,
    Row,
    RowChanged,
    RowExists,
    Table,
)
from tests.ledger.conftest import Handles

AT_ONCE = 20
LAST = "~"
"""After the row keys of these tests."""


def key(row: str, partition: str = "runs") -> Key:
    return Key(partition, row)


async def stored(table: Table, row: str, **values: str) -> Row:
    await table.write(Insert(key(row), values))
    return await found(table, row)


async def found(table: Table, row: str) -> Row:
    row_read = await table.read(key(row))
    assert row_read is not None
    return row_read


async def row_keys(table: Table, *conditions: Condition, after: str = "", before: str = LAST) -> list[str]:
    rows = await table.rows(Query("runs", after, before, 5_000, conditions))
    return [row.key.row for row in rows]


async def fill(table: Table, rows: Sequence[Insert]) -> None:
    for start in range(0, len(rows), 100):
        await table.write(*rows[start : start + 100])


async def test_a_row_is_read_as_it_was_inserted(table: Table) -> None:
    assert await table.read(key("a")) is None
    assert await table.rows(Query("runs", "", LAST, 10)) == []
    row = await stored(table, "a", name="one", other="two")
    assert row.key == key("a")
    assert row.values == {"name": "one", "other": "two"}
    assert await table.rows(Query("runs", "", LAST, 10)) == [row]


async def test_partitions_are_apart(table: Table) -> None:
    await stored(table, "a", name="one")
    await table.write(Insert(key("a", "jobs"), {"name": "two"}))
    other = await table.read(key("a", "jobs"))
    assert other is not None
    assert other.values == {"name": "two"}
    assert len(await table.rows(Query("jobs", "", LAST, 10))) == 1


async def test_a_write_of_nothing_does_nothing(table: Table) -> None:
    await table.write()
    assert await row_keys(table) == []


async def test_an_insert_of_a_row_that_exists_changes_nothing(table: Table) -> None:
    before = await stored(table, "a", name="one")
    with pytest.raises(RowExists):
        await table.write(Insert(key("a"), {"name": "two"}))
    assert await found(table, "a") == before


async def test_a_replace_takes_the_place_of_all_values(table: Table) -> None:
    before = await stored(table, "a", name="one", other="two")
    await table.write(Replace(key("a"), {"name": "three"}, before.etag))
    after = await found(table, "a")
    assert after.values == {"name": "three"}
    assert after.etag != before.etag


async def test_a_replace_with_an_old_etag_changes_nothing(table: Table) -> None:
    first = await stored(table, "a", name="one")
    await table.write(Replace(key("a"), {"name": "two"}, first.etag))
    second = await found(table, "a")
    with pytest.raises(RowChanged):
        await table.write(Replace(key("a"), {"name": "three"}, first.etag))
    assert await found(table, "a") == second


async def test_a_merge_makes_an_etag_old(table: Table) -> None:
    first = await stored(table, "a", name="one")
    await table.write(Merge(key("a"), {"name": "one"}))
    with pytest.raises(RowChanged):
        await table.write(Replace(key("a"), {"name": "three"}, first.etag))


async def test_the_etag_of_a_query_can_be_used(table: Table) -> None:
    await stored(table, "a", name="one", other="two")
    [row] = await table.rows(Query("runs", "", LAST, 10, names=("name",)))
    await table.write(Replace(key("a"), {"name": "two"}, row.etag))
    assert (await found(table, "a")).values == {"name": "two"}


async def test_a_row_that_was_deleted_and_made_again_has_another_etag(table: Table) -> None:
    first = await stored(table, "a", name="one")
    await table.write(Delete(key("a")))
    await stored(table, "a", name="one")
    with pytest.raises(RowChanged):
        await table.write(Replace(key("a"), {"name": "two"}, first.etag))


async def test_a_merge_keeps_the_other_values(table: Table) -> None:
    await stored(table, "a", name="one", other="two")
    await table.write(Merge(key("a"), {"name": "three", "more": "four"}))
    assert (await found(table, "a")).values == {"name": "three", "other": "two", "more": "four"}


async def test_a_deleted_row_is_gone(table: Table) -> None:
    await stored(table, "a", name="one")
    await table.write(Delete(key("a")))
    assert await table.read(key("a")) is None
    assert await row_keys(table) == []


async def test_a_row_that_was_changed_since_it_was_read_is_not_deleted(table: Table) -> None:
    first = await stored(table, "a", name="one")
    await table.write(Replace(key("a"), {"name": "two"}, first.etag))
    with pytest.raises(RowChanged):
        await table.write(Delete(key("a"), first.etag))
    second = await found(table, "a")
    assert second.values == {"name": "two"}
    await table.write(Delete(key("a"), second.etag))
    assert await table.read(key("a")) is None


MISSING = {
    "replace": lambda etag: Replace(key("missing"), {"name": "one"}, etag),
    "merge": lambda _: Merge(key("missing"), {"name": "one"}),
    "delete": lambda _: Delete(key("missing")),
}


@pytest.mark.parametrize("kind", MISSING)
async def test_a_change_of_a_missing_row_makes_none(table: Table, kind: str) -> None:
    present = await stored(table, "a", name="one")
    with pytest.raises(RowChanged):
        await table.write(MISSING[kind](present.etag))
    assert await row_keys(table) == ["a"]


async def test_all_kinds_of_changes_in_one_write(table: Table) -> None:
    replaced = await stored(table, "replaced", name="old", other="old")
    await stored(table, "merged", name="old", other="old")
    await stored(table, "deleted", name="old")
    await table.write(
        Insert(key("inserted"), {"name": "new"}),
        Replace(key("replaced"), {"name": "new"}, replaced.etag),
        Merge(key("merged"), {"name": "new"}),
        Delete(key("deleted")),
    )
    rows = await table.rows(Query("runs", "", LAST, 10))
    assert {row.key.row: dict(row.values) for row in rows} == {
        "inserted": {"name": "new"},
        "replaced": {"name": "new"},
        "merged": {"name": "new", "other": "old"},
    }


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("kind", ["insert", "stale", *MISSING])
async def test_one_change_that_fails_undoes_the_others(table: Table, kind: str, position: int) -> None:
    stale = await stored(table, "changed", name="old")
    await table.write(Merge(key("changed"), {"name": "old"}))
    replaced = await stored(table, "replaced", name="old")
    await stored(table, "merged", name="old")
    await stored(table, "deleted", name="old")
    changes: list[Change] = [
        Replace(key("replaced"), {"name": "new"}, replaced.etag),
        Merge(key("merged"), {"name": "new"}),
        Delete(key("deleted")),
    ]
    failing: dict[str, Change] = {
        "insert": Insert(key("changed"), {"name": "new"}),
        "stale": Replace(key("changed"), {"name": "new"}, stale.etag),
        **{name: make(stale.etag) for name, make in MISSING.items()},
    }
    changes.insert(position, failing[kind])
    before = await table.rows(Query("runs", "", LAST, 10))
    with pytest.raises(RowExists if kind == "insert" else RowChanged) as raised:
        await table.write(Insert(key("inserted"), {"name": "new"}), *changes)
    assert raised.value.args == (failing[kind].key,)
    assert await table.rows(Query("runs", "", LAST, 10)) == before


async def test_of_many_inserts_at_once_one_wins(handles: Handles) -> None:
    tables = [handles() for _ in range(4)]

    async def insert(number: int) -> int:
        await tables[number % 4].write(Insert(key("a"), {"by": str(number)}))
        return number

    results = await asyncio.gather(*map(insert, range(AT_ONCE)), return_exceptions=True)
    winners = [result for result in results if isinstance(result, int)]
    assert len(winners) == 1
    assert sum(isinstance(result, RowExists) for result in results) == AT_ONCE - 1
    assert (await found(tables[0], "a")).values == {"by": str(winners[0])}


async def test_of_many_replaces_with_one_etag_one_wins(handles: Handles) -> None:
    tables = [handles() for _ in range(4)]
    row = await stored(tables[0], "a", by="nobody")

    async def replace(number: int) -> int:
        await tables[number % 4].write(Replace(key("a"), {"by": str(number)}, row.etag))
        return number

    results = await asyncio.gather(*map(replace, range(AT_ONCE)), return_exceptions=True)
    winners = [result for result in results if isinstance(result, int)]
    assert len(winners) == 1
    assert sum(isinstance(result, RowChanged) for result in results) == AT_ONCE - 1
    assert (await found(tables[0], "a")).values == {"by": str(winners[0])}


LONG = {
    "64 KiB": "x" * 65_536,
    "64 KiB, escaped": "\\u00e9" * 65_536,
    "emoji": "😀" * 40_000,
    "emoji at an odd place": "x" + "😀" * 40_000,
    "one more than a part": "x" * 16_001,
}
ODD = {
    "empty": "",
    "spaces": "  a  ",
    "quotes": "it's \"quoted\" ''twice''",
    "lines": "a\nb\r\nc\td",
    "control": "\x01\x1f\x7f",
    "unicode": "é ☃ 😀 \u202e \ufeff",
    "markup": "<a>&amp;</a> %20 \\u0041 --batch_x",
    "json": '{"a": [1, null]}',
    "number": "17",
    "time": "2026-01-31T12:00:00Z",
}


@pytest.mark.parametrize("value", [*LONG.values(), *ODD.values()], ids=[*LONG, *ODD])
async def test_each_value_is_read_as_it_was_written(table: Table, value: str) -> None:
    row = await stored(table, "a", name=value, other="two")
    assert row.values == {"name": value, "other": "two"}
    await table.write(Merge(key("a"), {"name": value + "!"}), Insert(key("b"), {"name": value}))
    assert (await found(table, "a")).values == {"name": value + "!", "other": "two"}
    for row in await table.rows(Query("runs", "", LAST, 10, names=("name",))):
        assert row.values == {"name": value + "!" * (row.key.row == "a")}


@pytest.mark.parametrize("later", ["short", "", "y" * 20_000, "y" * 70_000], ids=len)
async def test_nothing_is_left_of_an_earlier_long_value(table: Table, later: str) -> None:
    row = await stored(table, "a", name="x" * 50_000, other="two")
    await table.write(Merge(key("a"), {"name": later}))
    row = await found(table, "a")
    assert row.values == {"name": later, "other": "two"}
    await table.write(Replace(key("a"), {"name": later}, row.etag))
    assert (await found(table, "a")).values == {"name": later}
    await table.write(Merge(key("a"), {"name": "x" * 60_000}))
    assert (await found(table, "a")).values == {"name": "x" * 60_000}


@pytest.mark.parametrize(
    "row", ["a b", " a", "a.b", "a..b", ".", "a.", "a_b", "a-b", "-", "A1 .-_", "0" * 300, "a  b"]
)
async def test_each_row_key_can_be_used(table: Table, row: str) -> None:
    one = await stored(table, row, name="one")
    await table.write(Replace(key(row), {"name": "two"}, one.etag))
    await table.write(Merge(key(row), {"other": "three"}))
    assert (await found(table, row)).values == {"name": "two", "other": "three"}
    assert await row_keys(table) == [row]
    await table.write(Delete(key(row)))
    assert await table.read(key(row)) is None


async def test_rows_are_in_the_order_of_code_points(table: Table) -> None:
    keys = [
        "a",
        "B",
        "b",
        "A",
        "0",
        "9",
        "10",
        "-",
        "_",
        " x",
        ".",
        "a b",
        "a-b",
        "a.b",
        "aB",
        "ab",
        "a_b",
        "aa",
    ]
    await fill(table, [Insert(key(row), {}) for row in keys])
    assert await row_keys(table) == sorted(keys)


async def test_both_ends_are_left_out(table: Table) -> None:
    await fill(table, [Insert(key(row), {}) for row in ("a", "b", "b.", "c", "d")])
    assert await row_keys(table, after="a", before="d") == ["b", "b.", "c"]
    assert await row_keys(table, after="b", before="c") == ["b."]
    assert await row_keys(table, after="c", before="b") == []
    assert await row_keys(table, after="b", before="b") == []


EQUAL, FROM, BELOW = Comparison.EQUAL, Comparison.FROM, Comparison.BELOW


@pytest.mark.parametrize(
    ("comparison", "operands", "expected"),
    [
        (EQUAL, ("b",), ["b"]),
        (EQUAL, ("B",), []),
        (EQUAL, ("b", "c", "z"), ["b", "c"]),
        (EQUAL, ("",), ["empty"]),
        (EQUAL, ("it's",), ["quote"]),
        (EQUAL, ("' or RowKey ne '",), []),
        (EQUAL, ("two words, and 'more'",), ["words"]),
        (EQUAL, ("é😀",), ["unicode"]),
        (EQUAL, (), []),
        (FROM, ("c",), ["c", "quote", "unicode", "words"]),
        (FROM, ("it's",), ["quote", "unicode", "words"]),
        (FROM, ("zz", "it"), ["quote", "unicode", "words"]),
        (BELOW, ("b",), ["a", "empty"]),
        (BELOW, ("b", "c"), ["a", "b", "empty"]),
        (BELOW, ("",), []),
    ],
)
async def test_the_conditions(
    table: Table, comparison: Comparison, operands: tuple[str, ...], expected: list[str]
) -> None:
    values = {"empty": "", "quote": "it's", "words": "two words, and 'more'", "unicode": "é😀"}
    rows = {**{letter: letter for letter in "abc"}, **values}
    await fill(table, [Insert(key(row), {"name": value}) for row, value in rows.items()])
    await stored(table, "without", other="b")
    assert await row_keys(table, Condition("name", comparison, operands)) == expected


async def test_a_row_meets_all_conditions(table: Table) -> None:
    for number in range(12):
        await stored(table, f"{number:02}", parity=str(number % 2), third=str(number % 3))
    conditions = Condition("parity", EQUAL, ("1",)), Condition("third", EQUAL, ("0", "1"))
    assert await row_keys(table, *conditions) == ["01", "03", "07", "09"]
    assert await row_keys(table, *conditions, after="01", before="09") == ["03", "07"]
    assert await row_keys(table, conditions[0], Condition("third", EQUAL, ())) == []


async def test_only_the_named_values_are_given(table: Table) -> None:
    await stored(table, "a", name="one", other="two", long="x" * 50_000)
    await stored(table, "b", other="three")
    rows = await table.rows(Query("runs", "", LAST, 10, names=("name", "absent")))
    assert [(row.key.row, row.values) for row in rows] == [("a", {"name": "one"}), ("b", {})]
    condition = Condition("other", FROM, ("two",))
    rows = await table.rows(Query("runs", "", LAST, 10, (condition,), ("name", "long")))
    assert [row.values for row in rows] == [{"name": "one", "long": "x" * 50_000}]


async def test_more_rows_than_a_page_holds(table: Table) -> None:
    """A page of Azure Table Storage has up to 1,000 rows."""
    total = 1_150
    await fill(table, [Insert(key(f"{i:05}"), {"far": str(int(i >= total - 3))}) for i in range(total)])
    expected = [f"{number:05}" for number in range(total)]
    assert await row_keys(table) == expected
    assert await row_keys(table, Condition("far", EQUAL, ("1",))) == expected[-3:]
    for top in (1, 999, 1_000, 1_001, total):
        rows = await table.rows(Query("runs", "", LAST, top))
        assert [row.key.row for row in rows] == expected[:top]
    rows = await table.rows(Query("runs", expected[100], LAST, 2, (Condition("far", EQUAL, ("1",)),)))
    assert [row.key.row for row in rows] == expected[-3:-1]
