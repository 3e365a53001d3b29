"""What a start costs: storage transactions, and the wait for the claim when many runs start at once.

This app is measured beside one that keeps the claim and the owner of the job in entities, as it did itself.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_
from pathlib import Path

from benchmarks.contestants.start_sample import Sample
from benchmarks.measuring import ROOT, Spread, contestant, percentile
from benchmarks.report import Bar, Figure
from benchmarks.storage_cost import TRANSACTIONS, Work, transactions
from local.azure_ml import AzureMlService, ServiceConfig, ServiceInfo, even_pace, standard_deployments
from local.machine import SAMPLES

_APPS = {"this app": ROOT, "with entities": ROOT / "benchmarks" / "apps" / "entity_claims"}
_OURS, _ENTITIES = _APPS
_HOUR = 3600.0
_NOT_INHERITED = ("AZURE_", "IDENTITY_", "MSI_", "BATCH_", "NEW_DATA_", "ALLOWED_ENDPOINT_", "SUBMISSION_")


def figure(quick: bool) -> Figure:
    count, rounds = (10, 1) if quick else (300, 3)
    # The jobs do not end: the runs wait, and a check costs what it costs while a job goes on.
    with tempfile.TemporaryDirectory() as folder, AzureMlService(_config(Path(folder))) as azure_ml:
        environment = _environment(azure_ml.info)
        work = {name: _sample(name, 1, environment) for name in _APPS}
        claims: dict[str, list[list[float]]] = {name: [] for name in _APPS}
        for number in range(rounds):
            # They take turns in their order.
            for name in list(_APPS)[:: -1 if number % 2 else 1]:
                claims[name].append(_sample(name, count, environment).claims)
    p99 = {name: Spread.of([percentile(each, 99) for each in claims[name]]) for name in _APPS}
    starts = {name: transactions(work[name].start) for name in _APPS}
    checks = {name: transactions(work[name].check) for name in _APPS}
    kept = {name: transactions(_counted(work[name]) - _common(work)) for name in _APPS}
    return Figure(
        title=f"A start: storage transactions, and the wait for the claim with {count} at once",
        columns=("", *_APPS, "on the extension"),
        rows=[
            *(_row(f"{TRANSACTIONS[kind]} each: {kind}", *_counts(work, kind)) for kind in Work),
            _row("transactions of a start", *map(str, starts.values()), "about 45"),
            _row("… of these for claim, owner and list", *map(str, kept.values())),
            _row("transactions of a check", *map(str, checks.values()), "about 13"),
            _row("claim, p50, s", *(_quantile(claims[name], 50) for name in _APPS)),
            _row("claim, p99, s", *(p99[name].text() for name in _APPS)),
        ],
        bars=[
            Bar(
                "transactions for claim, owner and list, as a part of those with entities",
                kept[_OURS] / kept[_ENTITIES],
                0.5,
            ),
            Bar(f"p99 of the claim with {count} at once, s", p99[_OURS].median, 2.0, interval=p99[_OURS]),
        ],
        notes=[
            "A model counts the transactions: what happens on the local host, by what it costs in Azure Storage "
            "(storage_cost.py). The last column was measured once, on the Durable extension 3.19.0, of the app with "
            "entities; it reads the entity some times more, while the signal is in its queue.",
            f"Of a start, {starts[_OURS] - kept[_OURS]} are the same in both: the start itself, the activities "
            "authorize, invoke and check_status, and the episodes that they cause.",
            "A start lasts from the POST until the run waits for its next check. A claim lasts from the start of the "
            "activity that submits until it gives its POST to the HTTP library. The local host polls no queues; on "
            "the extension 20 of 300 claims by signal took so long that they had expired.",
        ],
    )


def _common(work: Mapping[str, Sample]) -> Counter[str]:
    """The work of a start that both apps do."""
    return reduce(and_, (_counted(work[name]) for name in _APPS))


def _counted(sample: Sample) -> Counter[str]:
    return Counter(dict(sample.start))


def _row(name: str, *cells: str) -> list[str]:
    return [name, *cells, *[""] * (len(_APPS) + 1 - len(cells))]


def _counts(work: Mapping[str, Sample], kind: Work) -> list[str]:
    return [str(work[name].start.get(kind, 0)) for name in _APPS]


def _sample(name: str, count: int, environment: dict[str, str]) -> Sample:
    return Sample(**contestant("start", _APPS[name], count, **environment))


def _quantile(rounds: Sequence[Sequence[float]], percent: float) -> str:
    return Spread.of([percentile(each, percent) for each in rounds]).text()


def _config(folder: Path) -> ServiceConfig:
    return ServiceConfig(
        state=folder,
        deployments=standard_deployments(SAMPLES / "score.py", SAMPLES / "model"),
        pace=even_pace(_HOUR),
        datastores={"samples": SAMPLES},
    )


def _environment(azure_ml: ServiceInfo) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    return {
        **inherited,
        **azure_ml.environment("managed-identity"),
        "BATCH_ENDPOINT_URI": azure_ml.scoring_uri,
        "AZURE_ML_WORKSPACE_ID": azure_ml.workspace_resource_id,
        "AZURE_ML_AUDIENCE": azure_ml.ml_audience,
        "AZURE_RESOURCE_MANAGER_URL": azure_ml.arm_url,
        "AZURE_RESOURCE_MANAGER_AUDIENCE": azure_ml.arm_audience,
    }
