"""A kill at any moment loses nothing: SIGKILL at random points (with a seed), restart, correct outcome."""

import asyncio
import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from packages.functions_host.tests.durable import crash_host

KILLS = 4
_ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("seed", [1, 2])
async def test_kill_at_random_points_loses_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    log = tmp_path / "activities.log"
    log.touch()
    kills = 0
    async with asyncio.timeout(60):
        while True:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "ignore", "-m", crash_host.__name__, tmp_path / "hub.db", log),
                cwd=_ROOT,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
            if kills < KILLS:
                try:
                    await asyncio.wait_for(process.wait(), chance.uniform(0.02, 0.35))
                except TimeoutError:
                    process.kill()
                    kills += 1
            answer, _ = await process.communicate()
            if process.returncode == 0:
                break
    assert kills > 0
    result = json.loads(answer)
    rounds = crash_host.ORCHESTRATIONS * crash_host.ROUNDS
    expected = crash_host.ROUNDS * (crash_host.FAN_OUT + 1)
    # Orchestrations and entities have exact results; activities ran at least once.
    assert result["outputs"] == [expected] * crash_host.ORCHESTRATIONS
    assert result["entities"] == {"called": str(rounds), "signalled": str(rounds)}
    calls = Counter(log.read_text().splitlines())
    assert len(calls) == rounds * (crash_host.FAN_OUT + 1)
