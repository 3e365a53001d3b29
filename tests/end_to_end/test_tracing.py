"""One run is one trace, from the request that starts it to its last check, seen from an OTLP collector."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from local.machine import LocalMachine, MachineConfig
from packages.functions_host.tests.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.end_to_end.harness import App, sample_request, start_after_kill, wait_for
from tests.end_to_end.new_data import machine_with, runs, uploaded, wait_until_quiet

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=1"}
RUN, CREATE = "orchestration:batch_run@(1.5)", "create_orchestration:batch_run@1.5"
JWT = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def machine(receiver: OtlpReceiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    config = MachineConfig(
        tmp_path_factory.mktemp("traced"), identity="secret", settings=receiver.settings, time_scale=1.0
    )
    with LocalMachine(config) as machine:
        yield machine


@pytest.fixture(scope="module")
def app(machine: LocalMachine) -> App:
    return App(machine.url)


class Tree:
    """The spans of one trace as a tree; it is printed for the case that an assertion fails."""

    def __init__(self, spans: Sequence[ReceivedSpan]) -> None:
        self.spans = spans
        ids = {span.span_id for span in spans}
        assert len(ids) == len(spans), "no span comes twice"
        self.roots = [span for span in spans if span.parent_id not in ids]
        print("\n".join(line for root in self.roots for line in self._drawn(root, "")))

    def below(self, parent: ReceivedSpan, kind: str | None = None) -> list[ReceivedSpan]:
        found = [
            span for span in self.spans if span.parent_id == parent.span_id and kind in (None, span.kind)
        ]
        return sorted(found, key=lambda span: span.start)

    def chain(self, *names: str) -> ReceivedSpan:
        """The last of these spans. Each must be the only one of its name below the one before."""
        [root] = self.roots
        assert root.name == names[0]
        span = root
        for name in names[1:]:
            [span] = [child for child in self.below(span) if child.name == name]
        return span

    def _drawn(self, span: ReceivedSpan, indent: str) -> Iterator[str]:
        yield f"{indent}{span.kind} {span.name} {(span.end - span.start) / 1e9:.1f} s"
        for child in self.below(span):
            yield from self._drawn(child, indent + "  ")


def ended_trace(receiver: OtlpReceiver, run_id: str) -> Tree:
    """The trace of a run once its spans have come."""

    def look(spans: Sequence[ReceivedSpan]) -> list[ReceivedSpan] | None:
        ended = [span for span in spans if span.name == RUN and span.instance_id == run_id]
        return [span for span in spans if ended and span.trace_id == ended[0].trace_id] or None

    tree = Tree(receiver.wait_for(f"the trace of {run_id}", look))
    of_run = [span for span in receiver.spans if run_id in str(span.attributes)]
    assert {span.trace_id for span in of_run} == {tree.spans[0].trace_id}, (
        "no span of the run is in another trace"
    )
    return tree


def assert_complete(tree: Tree, run: ReceivedSpan, checks: int) -> None:
    """Every step of the run is below its span: scheduled by the run, executed by the worker."""
    calls = tree.below(run, "CLIENT")
    assert [span.name for span in calls] == [
        "activity:authorize",
        "activity:invoke",
        *["activity:check_status"] * checks,
        "activity:locate_outputs",
        "activity:record_end",
    ]
    for call in calls:
        [work] = tree.below(call)
        assert (work.name, work.kind) == (call.name, "SERVER")
        assert run.start <= call.start <= work.start <= work.end <= call.end <= run.end
    rest = [span for span in tree.below(run) if span not in calls]
    assert {(span.name, span.kind) for span in rest} <= {("orchestration:batch_run:timer", "INTERNAL")}


def test_a_run_is_one_trace_from_the_request_to_the_last_check(
    machine: LocalMachine, app: App, receiver: OtlpReceiver
) -> None:
    """Many checks, each in an execution of its own; a nudge; and a host that is killed in the middle."""
    hold = machine.control.hold("Running")
    request = sample_request(poll_interval=2)
    run_id = request["run_id"]
    assert app.post(request, headers=HEADERS).status_code == 202
    created = app.durable_status(run_id)["createdTime"]
    before = wait_for("checks by the timer", lambda: (v := app.run(run_id))["checks"] >= 4 and v)
    app.nudge(run_id)
    nudged = wait_for(
        "a check", lambda: (v := app.run(run_id))["checks"] > before["checks"] and v["next_check_at"] and v
    )
    # A kill may lose a span that is not sent yet: wait for the spans so far, so that none is missing below.
    receiver.wait_for(
        "the spans so far",
        lambda spans: (
            len([s for s in spans if s.name == "activity:check_status" and s.trace_id == TRACE])
            >= 2 * nudged["checks"]
        ),
    )
    machine.host.kill()
    start_after_kill(machine)
    wait_for("a check after the restart", lambda: app.run(run_id)["checks"] > nudged["checks"])
    machine.control.release(hold)
    view = app.wait_for_end(run_id)
    tree = ended_trace(receiver, run_id)

    assert view["phase"] == "Completed"
    assert {span.trace_id for span in tree.spans} == {TRACE}
    assert [root.parent_id for root in tree.roots] == [CALLER]
    run = tree.chain("POST api/batch-runs", CREATE, RUN)
    assert_complete(tree, run, view["checks"])
    timers = tree.below(run, "INTERNAL")
    # A run goes on in a new execution after each wait: its creation time changes with each.
    assert len(timers) >= 4
    assert app.durable_status(run_id)["createdTime"] > created
    assert (run.error, run.attributes["durabletask.task.status"]) == (None, "Completed")
    assert run.end - run.start > 6e9, "one span covers all executions"


def test_two_runs_are_two_traces(app: App, receiver: OtlpReceiver) -> None:
    trees = []
    for _ in range(2):
        run_id = app.start(deployment="noop")
        view = app.wait_for_end(run_id)
        trees.append(ended_trace(receiver, run_id))
        run = trees[-1].chain("POST api/batch-runs", CREATE, RUN)
        assert_complete(trees[-1], run, view["checks"])
        assert trees[-1].roots[0].parent_id == ""

    one, other = ({span.trace_id for span in tree.spans} for tree in trees)
    assert len(one) == len(other) == 1
    assert one != other


def test_a_failed_run_has_a_failed_span_and_no_span_has_a_secret(
    machine: LocalMachine, app: App, receiver: OtlpReceiver
) -> None:
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4eHh4eHh4In0.c2lnbmF0dXJl"
    echo = f"You sent Authorization: Bearer {token}"
    machine.control.fault("get_job", "answer", status=500, body="text", text=echo, times=1)
    app.wait_for_end(app.start(deployment="noop"))
    machine.control.fault("invoke", "answer", status=400, body="text", text=echo, times=1)
    run_id = app.start(deployment="noop", endpoint_input_uri="azureml://datastores/samples/paths/private/")
    app.wait_for_end(run_id)
    run = receiver.wait_for(
        "the end of the run",
        lambda spans: next((s for s in spans if s.name == RUN and s.instance_id == run_id), None),
    )
    everything = str(receiver.spans)

    assert run.attributes["durabletask.task.status"] == "Failed"
    assert run.error
    assert len(run.error) <= 200
    assert any(call["authorization"] for call in machine.control.requests()), "tokens were used"
    assert not JWT.search(everything)
    assert "Bearer ey" not in everything
    info = machine.azure_ml
    for secret in (one.client_secret for one in info.principals.values() if one.client_secret):
        assert secret not in everything
    for of_the_request in ("azureml://", "paths/data", "private", "predictions.csv", "endpoint_input_uri"):
        assert of_the_request not in everything


def test_trace_ids_are_in_the_history_and_not_in_the_status(machine: LocalMachine, app: App) -> None:
    request = sample_request(deployment="noop")
    app.post(request, headers=HEADERS)
    app.wait_for_end(request["run_id"])
    view = json.dumps(app.run(request["run_id"]))
    instance = requests.get(
        f"{machine.url}/runtime/webhooks/durabletask/instances/{request['run_id']}",
        params={"showHistory": "true", "showHistoryOutput": "true"},
        timeout=60,
    ).json()
    started, *_ = instance.pop("historyEvents")

    for shown in (view, json.dumps(instance)):
        assert TRACE not in shown
        assert CALLER not in shown
    assert TRACE in started["ParentTraceContext"]["TraceParent"]


@pytest.mark.parametrize("start", ["file", "folder"])
def test_a_run_started_by_an_event_is_in_the_trace_of_the_event(
    own_state: Path, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_folder = {"quiet_seconds": 1, "longest_wait_seconds": 60} if start == "folder" else {}
    one_rule = {
        "container": "incoming",
        "start": start,
        "deployment": "noop",
        "poll_interval": 1,
        **by_folder,
    }
    with OtlpReceiver() as receiver:
        # As with `make serve`: the environment of the machine is that of its host.
        for name, value in receiver.settings.items():
            monkeypatch.setenv(name, value)
        with machine_with(own_state, one_rule) as machine:
            machine.grid.publish(uploaded(machine, "monday/one.csv"))
            wait_for("the run", lambda: runs(machine))
            wait_until_quiet(machine)
            [view] = runs(machine)
            checks = App(machine.url).run(view["run_id"])["checks"]
            tree = ended_trace(receiver, view["run_id"])

    window = ["create_orchestration:new_data_window@1.5", "orchestration:new_data_window@(1.5)"]
    steps = [*window, "activity:start_run", "activity:start_run"] if start == "folder" else []
    run = tree.chain("new_data", *steps, CREATE, RUN)
    assert_complete(tree, run, checks)
    assert tree.roots[0].kind == "CONSUMER"
