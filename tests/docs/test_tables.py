"""Tables of the documentation: the generated ones are current, the others have each name that the code has."""

import re
from pathlib import Path

import pytest

from batch.api.request_fields import BatchRunRequest
from batch.run.phases import OUTCOMES, PHASES, TERMINATED
from tests.docs.pages import ROOT, anywhere, table_anywhere
from tools import make_docs

SOURCES_OF_SETTINGS = ("batch/settings.py", "batch/new_data/settings.py")


@pytest.mark.parametrize("path", make_docs.documents(), ids=lambda path: path.name)
def test_generated_tables_are_current(path: Path) -> None:
    text = path.read_text()
    assert text == make_docs.current(text), "run make docs"


def test_each_generated_table_is_somewhere() -> None:
    asked = [name for path in make_docs.documents() for name in make_docs.names(path.read_text())]
    assert sorted(asked) == sorted(make_docs.TABLES)


def test_every_code_ends_a_run_in_a_phase() -> None:
    ends = {phase for phase, facts in PHASES.items() if facts.ended} | {f"or {TERMINATED}"}
    rows = table_anywhere("code", "the run is")
    assert {part.strip() for row in rows for part in row[1].split(",")} <= ends


def test_every_request_field_has_a_row_with_its_default() -> None:
    rows = {
        name: default
        for names, default, *_ in table_anywhere("field", "default")
        for name in re.findall(r"`(\w+)`", names)
    }
    for name, field in BatchRunRequest.model_fields.items():
        default = rows[name].replace(" ", "")
        if isinstance(field.default, int):
            assert default == str(field.default), name
        elif isinstance(field.default, str):
            assert default == f"`{field.default}`", name


def test_every_setting_that_the_code_reads_has_a_row() -> None:
    sources = [(ROOT / name).read_text() for name in SOURCES_OF_SETTINGS]
    read = {name for source in sources for name in re.findall(r'"([A-Z][A-Z_]{6,})"', source)}
    assert {"BATCH_ENDPOINT_URI", "NEW_DATA_OUTPUT_URI", "RUN_RETENTION_DAYS"} <= read
    rows: set[str] = set()
    for names, *_ in table_anywhere("app setting"):
        found = re.findall(r"`(\w+)`", names)
        # A name that begins with an underscore has the start of the row's first one.
        start = found[0].rpartition("_")[0]
        rows |= {start + name if name.startswith("_") else name for name in found}
    assert read <= rows


def test_the_state_chart_has_every_phase_and_no_other() -> None:
    [chart] = [block.text for block in anywhere("mermaid") if block.text.startswith("stateDiagram")]
    arrows = re.findall(r"^ +(\S+) --> (\w+|\[\*\])", chart, re.MULTILINE)
    assert {state for arrow in arrows for state in arrow} - {"[*]"} == set(PHASES)
    assert {start for start, end in arrows if end == "[*]"} == {*OUTCOMES, TERMINATED}
