"""What a reader of a log gets, whatever a script has printed and however many logs there are."""

from collections.abc import Callable
from typing import Any

import pytest

from batch.azure_ml import job_log
from batch.azure_ml.job_log import NoLog, last_lines
from tests.batch.builders import ENDPOINT_URI, settings

Reader = Callable[..., Any]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Reader:
    async def lines(text: str, name: str | None = None, names: tuple[str, ...] = ("a.txt",)) -> str:
        async def logs_of(*_: object) -> dict[str, str]:
            return dict.fromkeys(names, "https://a.blob.core.windows.net/x?sig=S3cr3t")

        monkeypatch.setattr(job_log, "_logs_of", logs_of)
        monkeypatch.setattr(job_log, "read_end", lambda *_: (text, True))
        return await last_lines(ENDPOINT_URI, "job-1", name, 200, settings())

    return lines


@pytest.mark.parametrize(
    ("printed", "read_as"),
    [
        ("\x1b[1;32mINFO\x1b[0m done", "INFO done"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"),
        ("a\x1b]8;;https://evil.example", "a"),
        ("a\x1bcb\x1b(Bc\x1b", "abc"),
        ("a\x9b31mb\x00\x08\x7f", "a31mb"),
        ("col\tumn ü 日本", "col\tumn ü 日本"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("pass\x1b[0mword=S3cr3t", "password=[redacted]"),
    ],
)
async def test_a_log_gives_a_terminal_no_commands(read: Reader, printed: str, read_as: str) -> None:
    assert await read(printed) == f"{read_as}\n"


async def test_the_names_of_many_logs_are_not_all_told(read: Reader) -> None:
    names = tuple(f"logs/user/{number:04}\x1b[31m\ud800{'x' * 300}.txt" for number in range(1_000))
    with pytest.raises(NoLog) as raised:
        await read("", "other.txt", names)
    text = str(raised.value)
    assert text.endswith(" and 950 more.")
    assert text.isprintable() and len(text) < 15_000
