"""The real clock and the virtual one."""

import asyncio
from datetime import timedelta

from functions_host.durable.clock import RealClock, VirtualClock


async def test_virtual_time_stands_still_while_anyone_works() -> None:
    clock = VirtualClock()
    start = clock.now()
    sleeper = asyncio.create_task(clock.sleep_until(start + timedelta(hours=1)))
    with clock.working():
        for _ in range(10):
            await asyncio.sleep(0)
        assert clock.now() == start
    await sleeper
    assert clock.now() == start + timedelta(hours=1)


async def test_virtual_sleepers_wake_in_order_and_cancelled_ones_do_not_count() -> None:
    clock = VirtualClock()
    start, woken = clock.now(), []

    async def sleep(minutes: int) -> None:
        await clock.sleep_until(start + timedelta(minutes=minutes))
        woken.append(minutes)

    with clock.working():
        tasks = [asyncio.create_task(sleep(minutes)) for minutes in (30, 10, 20, 10, 5)]
        await asyncio.sleep(0)
        tasks.pop().cancel()
    await asyncio.gather(*tasks)

    assert woken == [10, 10, 20, 30]


async def test_the_real_clock_does_not_wake_early() -> None:
    clock = RealClock()
    due = clock.now() + timedelta(milliseconds=20)
    with clock.working():
        await clock.sleep_until(due)
    assert clock.now() >= due
    await clock.sleep_until(due)
