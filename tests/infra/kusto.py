"""Runs the alerts' queries on rows in memory: the part of the Kusto Query Language that they use, and nothing else.

Texts are compared without regard to case where Kusto does so. What a query uses besides is an error, not a guess.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
INGESTED = "_ingested"
"""The column of a row that ``ingestion_time()`` reads."""

Value = Callable[[Row], Any]
Rows = Iterable[Row]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>@"[^"]*" | "(?:\\.|[^"\\])*")
      | (?P<timespan>\d+m\b)
      | (?P<number>\d+)
      | (?P<word>!?[A-Za-z_]\w*)
      | (?P<sign><=|>=|==|!=|[|(),=<>-])
    )""",
    re.VERBOSE,
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "startswith": lambda text, wanted: text.lower().startswith(wanted.lower()),
    "contains": lambda text, wanted: wanted.lower() in text.lower(),
    "regex": lambda text, pattern: re.search(pattern, text) is not None,
    "==": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
}


def answer(query: str, tables: Mapping[str, list[Row]], now: datetime) -> list[Row]:
    """The rows of the result at the time ``now``."""
    parser = _Query(list(_tokens(query)), tables, now)
    rows = parser.pipeline()
    assert not parser.tokens, f"not understood: {parser.tokens[:5]}"
    return list(rows)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def _tokens(query: str) -> Iterable[_Token]:
    position = 0
    while position < len(query.rstrip()):
        found = _TOKEN.match(query, position)
        assert found is not None, f"no Kusto that this knows: {query[position : position + 30]}"
        assert found.lastgroup is not None
        yield _Token(found.lastgroup, found[found.lastgroup])
        position = found.end()


@dataclass
class _Query:
    tokens: list[_Token]
    tables: Mapping[str, list[Row]]
    now: datetime

    def pipeline(self) -> Rows:
        rows = self._source()
        while self._take("|"):
            operator = self._next().text
            if operator == "where":
                condition = self._either()
                rows = [row for row in rows if condition(row)]
            elif operator == "extend":
                columns = self._columns()
                rows = [{**row, **{name: value(row) for name, value in columns}} for row in rows]
            elif operator == "project":
                columns = self._columns()
                rows = [{name: value(row) for name, value in columns} for row in rows]
            else:
                raise AssertionError(f"unknown operator {operator}")
        return rows

    def _source(self) -> Rows:
        name = self._next().text
        if name != "union":
            return self.tables[name]
        rows: list[Row] = []
        while True:
            self._expect("(")
            rows.extend(self.pipeline())
            self._expect(")")
            if not self._take(","):
                return rows

    def _columns(self) -> list[tuple[str, Value]]:
        columns = []
        while True:
            name = self._next().text
            columns.append((name, self._either() if self._take("=") else _column(name)))
            if not self._take(","):
                return columns

    def _either(self) -> Value:
        value = self._both()
        while self._take("or"):
            value = _either(value, self._both())
        return value

    def _both(self) -> Value:
        value = self._compared()
        while self._take("and"):
            value = _both(value, self._compared())
        return value

    def _compared(self) -> Value:
        left = self._operand()
        if not self.tokens:
            return left
        name = self.tokens[0].text
        if name == "in":
            self._next()
            members = self._arguments()
            return lambda row: left(row) in [member(row) for member in members]
        if name == "matches":
            self._next()
            assert self.tokens[0].text == "regex"
            name = "regex"
        if name not in _COMPARISONS:
            return left
        self._next()
        right, compare = self._operand(), _COMPARISONS[name]
        return lambda row: compare(left(row), right(row))

    def _operand(self) -> Value:
        token = self._next()
        if token.kind == "text":
            written = token.text
            value = written[2:-1] if written.startswith("@") else re.sub(r"\\(.)", r"\1", written[1:-1])
            return lambda row: value
        if token.kind == "number":
            return lambda row: int(token.text)
        if token.kind == "timespan":
            return lambda row: timedelta(minutes=int(token.text[:-1]))
        assert token.kind == "word", f"unexpected {token.text}"
        if self.tokens and self.tokens[0].text == "(":
            return self._call(token.text, self._arguments())
        return _column(token.text)

    def _arguments(self) -> list[Value]:
        self._expect("(")
        arguments: list[Value] = []
        while not self._take(")"):
            arguments.append(self._either())
            self._take(",")
        return arguments

    def _call(self, name: str, arguments: list[Value]) -> Value:
        functions: Mapping[str, Callable[..., Any]] = {
            "not": lambda value: not value,
            "ago": lambda span: self.now - span,
            "extract": _extract,
            "coalesce": lambda *values: next((value for value in values if value not in (None, "")), ""),
            "strcat": lambda *texts: "".join(texts),
            "substring": lambda text, start, length: text[start : start + length],
            "trim": lambda pattern, text: re.sub(f"^(?:{pattern})+|(?:{pattern})+$", "", text),
        }
        if name == "ingestion_time":
            return _column(INGESTED)
        function = functions[name]
        return lambda row: function(*(argument(row) for argument in arguments))

    def _next(self) -> _Token:
        return self.tokens.pop(0)

    def _take(self, text: str) -> bool:
        found = bool(self.tokens) and self.tokens[0].kind != "text" and self.tokens[0].text == text
        if found:
            self._next()
        return found

    def _expect(self, text: str) -> None:
        assert self._take(text), f"{text} expected before {self.tokens[:3]}"


def _column(name: str) -> Value:
    return lambda row: row[name]


def _either(one: Value, other: Value) -> Value:
    return lambda row: one(row) or other(row)


def _both(one: Value, other: Value) -> Value:
    return lambda row: one(row) and other(row)


def _extract(pattern: str, group: int, text: str) -> str:
    found = re.search(pattern, text)
    return found[group] if found else ""
