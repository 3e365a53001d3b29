"""docs/costs.md: its figures follow from a whole run, played on the SDK; its host.json keeps what alerts read."""

import json
import re
from typing import Any

import azure.durable_functions as df
import pytest

from activities import check_status
from batch.names import BATCH_RUN
from benchmarks.storage_cost import TRANSACTIONS, Invocation, Work, transactions, work_of_invocations
from entities import folder_window
from infra.check.project import HOST, Project
from infra.check.rules.log_levels import check_log_levels
from orchestrators import batch_run, new_data_window
from tests.docs.pages import DOCS, ROOT, blocks, table
from tests.infra.test_alert_queries import ALERTS
from tests.orchestrators.execution import handle_of
from tests.orchestrators.steps import IDENTITY, JOB, RUNNING, started
from triggers import job_events, new_data

PAGE = DOCS / "costs.md"
TEXT = PAGE.read_text()
RUNS = 10_000
A, B = 16, 6
"""Checks of a run."""
EVENTS = 7
STARTED_BY_HTTP = 1
LEDGER_OF_AN_EVENT = 1
AN_EVENT = 4


def invocations(checks: int) -> list[Invocation]:
    """All executions of durable functions of a run whose job completes."""
    seen: list[Invocation] = []
    real = handle_of(batch_run.bp, BATCH_RUN)

    def handle(context: str) -> str:
        answer = real(context)
        seen.append(Invocation("orchestrationTrigger", context, answer))
        return answer

    execution = started(handle)
    execution.complete(IDENTITY)
    execution.complete(JOB)
    for _ in range(checks - 1):
        execution.complete(RUNNING)
        execution.fire()
        execution = execution.next()
    assert execution.complete({"status": "Completed", "cancel_requested": False}).over
    return [*seen, *_activities(seen)]


def _activities(episodes: list[Invocation]) -> list[Invocation]:
    """Those that the last episode of each execution names: an episode repeats the actions before it."""
    called = 0
    for one, following in zip(episodes, [*episodes[1:], None], strict=True):
        if following is None or _begins(following):
            actions = json.loads(one.answer or "{}")["actions"][0]
            called += sum(action["actionType"] == 0 for action in actions)
    return [Invocation("activityTrigger", "", "")] * called


def _begins(episode: Invocation) -> bool:
    return not any(event["IsPlayed"] for event in json.loads(episode.data)["history"])


def row(name: str) -> list[str]:
    """The cells of the first table's row."""
    [cells] = [cells for cells in table(TEXT, "meter", "idle", "A", "B") if name in cells[0]]
    return cells[1:]


def number(cell: str) -> int:
    found = re.search(r"\d[\d,.]*( million)?", cell)
    assert found is not None
    return round(float(found[0].replace(",", "").removesuffix(" million")) * (1_000_000 if found[1] else 1))


@pytest.mark.parametrize("checks", [2, A, B])
def test_executions_of_a_run_follow_the_formula(checks: int) -> None:
    assert "**4 *C* + 8**" in TEXT
    assert len(invocations(checks)) + STARTED_BY_HTTP == 4 * checks + 8
    episodes = [one for one in invocations(checks) if one.kind == "orchestrationTrigger"]
    assert len(episodes) == 3 * checks + 3


def test_executions_of_a_day() -> None:
    _, a, b = row("Total Executions")
    assert number(a) == RUNS * (4 * A + 8)
    assert number(b) == RUNS * (4 * B + 8 + EVENTS)


def test_storage_transactions_of_a_run_and_a_day() -> None:
    told = re.findall(r"(\d+) for\s+each\s+check\s+and\s+(\d+)\s+for\s+the\s+rest", TEXT)
    [(per_check, rest), (_, ledger_rest)] = [(int(one), int(other)) for one, other in told]
    of_task_hub = {
        checks: transactions(work_of_invocations(invocations(checks)))
        + TRANSACTIONS[Work.START]
        + TRANSACTIONS[Work.STATUS_READ]
        for checks in (A, B)
    }
    assert of_task_hub == {checks: per_check * checks + rest for checks in (A, B)}

    ledger = {A: A + ledger_rest, B: B + ledger_rest + EVENTS * LEDGER_OF_AN_EVENT}
    assert [number(cell) for cell in row("for the ledger")[1:]] == [RUNS * ledger[A], RUNS * ledger[B]]
    _, a, b = row("Storage transactions")
    for checks, events, cell in ((A, 0, a), (B, EVENTS, b)):
        of_runs = RUNS * (of_task_hub[checks] + checks + ledger_rest + events * AN_EVENT)
        # Besides the runs: who looks at the queues, and housekeeping.
        assert 0.1e6 < number(cell) - of_runs < 0.2e6


def test_rows_of_telemetry() -> None:
    rows = {cells[0]: cells for cells in table(TEXT, "rows", "table", "how many", "A", "B")}
    lines = next(cells for name, cells in rows.items() if name.startswith("of the host"))
    assert [number(cell) for cell in lines[3:]] == [
        2 * number(row("Total Executions")[1]),
        2 * number(row("Total Executions")[2]),
    ]
    for column, meter in ((3, 1), (4, 2)):
        total = sum(number(cells[column]) for cells in rows.values())
        assert number(row("Log Analytics")[meter]) == round(total, -5)


def test_every_alert_is_counted() -> None:
    assert row("Alert rules")[0].startswith(f"{len(ALERTS)} log alerts each 5 minutes; 2 metrics")


def levels() -> dict[str, Any]:
    [block] = [one for one in blocks(PAGE) if one.language == "json"]
    logging: dict[str, Any] = json.loads(block.text)["logging"]
    return logging


def test_what_is_executed_for_each_check_and_event_leaves_the_lines_of_the_app_only() -> None:
    app = df.DFApp()
    for part in (batch_run, check_status, job_events, new_data, new_data_window, folder_window):
        app.register_functions(part.bp)
    assert levels()["OpenTelemetry"]["logLevel"] == {
        category: level
        for name in (function.get_function_name() for function in app.get_functions())
        for category, level in ((f"Function.{name}", "Warning"), (f"Function.{name}.User", "Information"))
    }


def test_the_part_to_copy_holds_what_host_json_has_and_the_checker_finds_nothing() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    assert levels()["logLevel"] == host["logging"]["logLevel"]
    copied = json.dumps({**host, "logging": levels()})
    assert list(check_log_levels(Project(ROOT, {HOST: copied}))) == []
