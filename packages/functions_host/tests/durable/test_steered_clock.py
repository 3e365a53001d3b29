"""A clock in a file, which one process controls and another one reads."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions_host.durable.steered_clock import ClockFile, SteeredClock
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


@pytest.fixture
def steering(tmp_path: Path) -> ClockFile:
    return ClockFile(tmp_path / "clock", pace=0)


def test_it_starts_with_the_machines_time_and_stands_still_at_pace_0(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    steering = ClockFile(tmp_path / "clock", pace=0)
    after = datetime.now(UTC)
    shown = steering.now()
    assert before - timedelta(milliseconds=1) <= shown <= after + timedelta(milliseconds=1)
    assert SteeredClock(steering.path).now() == shown == ClockFile(steering.path).now()


def test_seconds_are_skipped(steering: ClockFile) -> None:
    clock = SteeredClock(steering.path)
    before = clock.now()
    steering.skip(86_400)
    assert clock.now() - before == timedelta(days=1)


def test_the_pace_multiplies_and_changes_without_a_jump(
    steering: ClockFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    clock = SteeredClock(steering.path)
    start = clock.now()
    steering.run(10)
    moment += 30_000_000_000
    assert clock.now() - start == timedelta(seconds=300)
    steering.run(2)
    assert clock.now() - start == timedelta(seconds=300)
    moment += 1_000_000_000
    assert clock.now() - start == timedelta(seconds=302)


def test_a_second_clock_file_continues_the_time_of_the_first(steering: ClockFile) -> None:
    steering.skip(3_600)
    again = ClockFile(steering.path, pace=5)
    assert again.now() == steering.now() == again.now()


async def test_a_durable_timer_fires_early_as_with_any_other_clock(host: Host, steering: ClockFile) -> None:
    host.clock = SteeredClock(steering.path)

    @host.worker.orchestrator
    def orch(context):
        began = context.current_utc_datetime
        yield context.create_timer(began + timedelta(seconds=2.5))
        return (context.current_utc_datetime - began).total_seconds()

    instance_id = await host.start("orch")
    await host.until_idle()
    steering.skip(2)

    assert output(await host.ended(instance_id)) == 2


async def test_a_sleeper_wakes_when_its_time_is_skipped_to_and_not_before(steering: ClockFile) -> None:
    clock = SteeredClock(steering.path)
    due = clock.now() + timedelta(hours=1)
    with clock.working():
        sleeper = asyncio.create_task(clock.sleep_until(due))
        steering.skip(3_599)
        await asyncio.sleep(0.05)
        assert not sleeper.done()
        steering.skip(1)
        async with asyncio.timeout(10):
            await sleeper
    await clock.sleep_until(due)
