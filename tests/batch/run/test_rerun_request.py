"""A rerun has the same request, an id of its own, and outputs of its own."""

import re

import pytest

from batch.api.request_fields import MAX_URI_LENGTH, RUN_ID_PATTERN
from batch.run import rerun_request
from batch.run.request import Binding
from batch.run.rerun_request import MAX_NUMBER, NotRepeatable, number_of, repeated, rerun_id, rerun_prefix
from tests.batch.builders import request

LONGEST = "a" * 100


def output_of(output: Binding, run_id: str = "r-1", new_id: str = "r-1.2") -> Binding:
    return repeated(request(outputs={"scores": output}), run_id, new_id).outputs["scores"]


def at(uri: str, template: str | None = None) -> Binding:
    return Binding(type="UriFile", uri=uri, template=template)


@pytest.mark.parametrize("first_run", ["r", "r-1", "r.2", "a.b.", "a" * 96, LONGEST])
def test_ids_are_those_of_runs_and_tell_their_number(first_run: str) -> None:
    ids = [rerun_id(first_run, number) for number in (2, 3, 10, MAX_NUMBER)]
    assert len({first_run, *ids}) == 5
    for run_id in ids:
        assert re.fullmatch(RUN_ID_PATTERN, run_id)
        assert run_id.startswith(rerun_prefix(first_run))
    assert [number_of(each, first_run) for each in (first_run, *ids)] == [1, 2, 3, 10, MAX_NUMBER]


def test_a_short_id_is_kept_whole() -> None:
    assert rerun_id("readings-2026", 2) == "readings-2026.2"


def test_after_the_last_number_there_is_no_rerun() -> None:
    with pytest.raises(NotRepeatable, match="no number after 999"):
        rerun_id("r-1", MAX_NUMBER + 1)


def test_all_but_the_outputs_stays_as_it_is() -> None:
    before = request(timeout=7, deployment="blue")
    after = repeated(before, "r-1", "r-1.2")
    assert after.model_copy(update={"outputs": before.outputs}) == before


def test_an_output_is_filled_anew_as_it_was_asked_for() -> None:
    asked = "azureml://datastores/lake/paths/{run_id}/of-r-1.csv"
    again = output_of(at("azureml://datastores/lake/paths/r-1/of-r-1.csv", asked))
    assert again == at("azureml://datastores/lake/paths/r-1.2/of-r-1.csv", asked)


@pytest.mark.parametrize(
    ("run_id", "before", "after"),
    [
        (
            "r-1",
            "azureml://datastores/lake/paths/out/r-1.csv",
            "azureml://datastores/lake/paths/out/r-1.2.csv",
        ),
        ("r-1", "azureml://datastores/r-1/paths/r-1/x", "azureml://datastores/r-1/paths/r-1.2/x"),
        (
            "r-1",
            "azureml://datastores/lake/paths/r-1/r-1.csv",
            "azureml://datastores/lake/paths/r-1.2/r-1.2.csv",
        ),
        ("r-1", "azureml://datastores/lake/paths/r-12/x_r-1", "azureml://datastores/lake/paths/r-12/x_r-1.2"),
        ("r-1", "https://r-1.blob.core.windows.net/c/r-1", "https://r-1.blob.core.windows.net/c/r-1.2"),
        ("r-1", "abfss://c@r-1.dfs.core.windows.net/r-1/", "abfss://c@r-1.dfs.core.windows.net/r-1.2/"),
        (
            "r-1",
            "/subscriptions/s/resourceGroups/r-1/providers/Microsoft.MachineLearningServices/workspaces/w"
            "/datastores/lake/paths/r-1/x",
            "/subscriptions/s/resourceGroups/r-1/providers/Microsoft.MachineLearningServices/workspaces/w"
            "/datastores/lake/paths/r-1.2/x",
        ),
    ],
)
def test_a_request_without_template_has_the_run_id_as_a_whole_word(
    run_id: str, before: str, after: str
) -> None:
    again = output_of(at(before), run_id)
    assert again.uri == after
    # The next rerun fills it as well.
    assert output_of(again, "r-1.2", "r-1.3").uri == after.replace("r-1.2", "r-1.3")


@pytest.mark.parametrize(
    "output",
    [
        at("azureml://datastores/lake/paths/out/scores.csv"),
        at("azureml://datastores/lake/paths/out/r-12.csv"),
        at("azureml://datastores/lake/paths/out/xr-1.csv"),
        at("azureml://datastores/r-1/paths/out/scores.csv"),
        at("https://r-1.blob.core.windows.net/c/scores.csv"),
    ],
)
def test_a_fixed_output_is_not_written_twice(output: Binding) -> None:
    with pytest.raises(NotRepeatable, match="The output scores of run r-1 does not hold its run id"):
        output_of(output)


def test_an_output_that_becomes_too_long_is_refused() -> None:
    start = "azureml://datastores/lake/paths/r-1/"
    assert rerun_request.MAX_URI_LENGTH == MAX_URI_LENGTH
    fits = at(start + "a" * (MAX_URI_LENGTH - len(start) - 2))
    assert len(output_of(fits).uri or "") == MAX_URI_LENGTH
    with pytest.raises(NotRepeatable, match="longer than 2048 characters"):
        output_of(at(f"{fits.uri}a"))


def test_without_outputs_there_is_nothing_to_fill() -> None:
    before = request(outputs={})
    assert repeated(before, "r-1", "r-1.2") == before
