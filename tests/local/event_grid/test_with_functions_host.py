"""Event Grid, folder watch and Azure ML together with a Functions host in its own process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.event_grid import (
    BLOB_CREATED,
    Batching,
    Container,
    ContainerWatch,
    Disturbance,
    Event,
    EventFilter,
    EventGrid,
    HandshakeError,
    Schema,
    StringIn,
    Subscription,
)
from local.host_process import HostProcess
from tests.waiting import wait_for

LIMIT = 20.0
Hook = Callable[[str], str]
Seen = Callable[[str], list[dict[str, Any]]]
BLOBS = "/blobServices/default/containers"


def event(number: int, **data: Any) -> Event:
    return Event("/t", f"s/{number}", "Test.Happened", data, id=f"event-{number}")


@pytest.mark.parametrize(
    ("schema", "kind"), [(Schema.EVENT_GRID, "EventGridEvent"), (Schema.CLOUD_EVENTS, "CloudEvent")]
)
@pytest.mark.parametrize("batch", [1, 50])
def test_a_function_gets_every_event(
    grid: EventGrid, hook: Hook, seen: Seen, schema: Schema, kind: str, batch: int
) -> None:
    grid.subscribe(Subscription("test", hook("receive"), schema=schema, batching=Batching(batch)))
    for number in range(100):
        grid.publish(event(number, text="é💎"))
    grid.wait_until_idle(LIMIT)
    assert {note["id"] for note in seen("receive")} == {f"event-{number}" for number in range(100)}
    assert {note["kind"] for note in seen("receive")} == {kind}


@pytest.mark.parametrize("schema", list(Schema))
def test_a_missing_function_is_not_an_endpoint(grid: EventGrid, hook: Hook, schema: Schema) -> None:
    with pytest.raises(HandshakeError, match="404"):
        grid.subscribe(Subscription("test", hook("nobody"), schema=schema))


def test_a_failing_function_gets_its_event_again(grid: EventGrid, hook: Hook, seen: Seen) -> None:
    grid.subscribe(Subscription("test", hook("refuse")))
    grid.publish(Event("/t", "s", "T", {"failures": 2}, id="refused-twice"))
    grid.wait_until_idle(LIMIT)
    assert seen("refuse") == [{"by": "refuse", "id": "refused-twice", "attempt": 3}]


@pytest.mark.parametrize("batch", [1, 20])
def test_nothing_is_lost_when_the_host_is_killed_midway(
    host: HostProcess, hook: Hook, seen: Seen, batch: int
) -> None:
    disturbance = Disturbance(copies=3, spread=1.0, seed=batch)
    subscription = Subscription("test", hook("receive"), batching=Batching(batch), disturbance=disturbance)
    with EventGrid(time_scale=600) as grid:
        grid.subscribe(subscription)
        for number in range(100):
            grid.publish(event(number))
        wait_for("more than half of the deliveries", lambda: len(seen("receive")) >= 60)
        host.kill()
        host.start()
        grid.wait_until_idle(LIMIT)
        tally = grid.tally("test")
    assert (tally.delivered, tally.dropped, tally.waiting) == (300, 0, 0)
    notes = [note["id"] for note in seen("receive")]
    assert set(notes) == {f"event-{number}" for number in range(100)}
    assert len(notes) >= 300


def test_a_dropped_file_reaches_the_function(grid: EventGrid, hook: Hook, seen: Seen, tmp_path: Path) -> None:
    wanted = EventFilter(
        event_types=[BLOB_CREATED],
        subject_begins_with=f"{BLOBS}/incoming/blobs/",
        subject_ends_with=".csv",
        advanced=[StringIn("data.api", ["FlushWithClose"])],
    )
    grid.subscribe(Subscription("new-data", hook("receive"), filter=wanted))
    container = Container("localdata", "incoming")
    with ContainerWatch(
        tmp_path, container, grid.publish, hierarchical=True, unchanged_for=0.05, interval=0.01
    ):
        for name in ("a.csv", "b.txt", "c.csv"):
            (tmp_path / name).write_text("1,2\n")
        wait_for("both events", lambda: len(seen("receive")) >= 2)
    grid.wait_until_idle(LIMIT)
    data = [note["data"] for note in seen("receive")]
    assert sorted(one["url"][-5:] for one in data) == ["a.csv", "c.csv"]
    assert {one["api"] for one in data} == {"FlushWithClose"}
