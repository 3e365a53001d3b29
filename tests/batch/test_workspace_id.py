import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.addresses import WorkspaceId, is_job_name
from tests.batch.builders import WORKSPACE_ID


@pytest.mark.parametrize(
    "text",
    [
        WORKSPACE_ID,
        WORKSPACE_ID.lower(),
        WORKSPACE_ID.replace("/rg/", "/my_group.(test)-1/"),
        WORKSPACE_ID.replace("/ws", "/my_workspace-1"),
    ],
)
def test_a_workspaces_resource_id(text: str) -> None:
    assert str(WorkspaceId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ws",
        WORKSPACE_ID[1:],
        "/" + WORKSPACE_ID,
        WORKSPACE_ID + "/",
        WORKSPACE_ID + "/jobs/a",
        WORKSPACE_ID + "?a=1",
        WORKSPACE_ID + "\n",
        WORKSPACE_ID.replace("/ws", "/"),
        WORKSPACE_ID.replace("/ws", "/.."),
        WORKSPACE_ID.replace("/ws", "/w%2fs"),
        WORKSPACE_ID.replace("/ws", "/w s"),
        WORKSPACE_ID.replace("/ws", "/ws@evil.com"),
        WORKSPACE_ID.replace("/rg/", "/../"),
        WORKSPACE_ID.replace("/rg/", "//"),
        WORKSPACE_ID.replace("MachineLearningServices", "Storage"),
        WORKSPACE_ID.replace("Microsoft.", "MicrosoftX"),
        WORKSPACE_ID.replace("workspaces", "wor\u212aspaces"),
        "https://management.azure.com" + WORKSPACE_ID,
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="resource id"):
        WorkspaceId.parse(text)


@pytest.mark.parametrize(
    "tail",
    [
        "/jobs/batchjob-1",
        "/batchEndpoints/scores/deployments/blue/jobs/batchjob-1",
        "/batchEndpoints//jobs/pipelinejob-1",
    ],
)
def test_the_workspace_of_a_job_is_the_start_of_its_id(tail: str) -> None:
    assert WorkspaceId.of_resource(WORKSPACE_ID + tail) == WorkspaceId(WORKSPACE_ID)


@pytest.mark.parametrize(
    "resource_id",
    [None, 5, "", WORKSPACE_ID, WORKSPACE_ID + "/", "/evil" + WORKSPACE_ID + "/jobs/a", "/jobs/a", [], {}],
)
def test_an_id_of_another_form_tells_no_workspace(resource_id: object) -> None:
    assert WorkspaceId.of_resource(resource_id) is None


@pytest.mark.parametrize(
    "name",
    [
        "batchjob-be9ebb73-277c-4bd4-9d20-e81f35c54099",
        "c808d695-ada5-4d03-bcf7-9b7d6c8a22e6",
        "pipelinejob-1",
        "a",
        "careful_bulb.plwyqfx0",
        "x" * 255,
    ],
)
def test_names_that_the_service_gives_to_jobs(name: str) -> None:
    assert is_job_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "a%2fb",
        "a b",
        "a\n",
        "-a",
        "ä",
        "a;b",
        "x" * 256,
        None,
        5,
        ["a"],
    ],
)
def test_what_may_not_become_a_path_segment(name: object) -> None:
    assert not is_job_name(name)


@given(st.text(max_size=10))
def test_a_job_name_changes_no_address(name: str) -> None:
    if is_job_name(name):
        assert not set(name) & set("/\\?#%@: \t\r\n")
        assert name not in (".", "..")
        assert name.isascii()
