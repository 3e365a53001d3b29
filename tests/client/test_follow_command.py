"""What is followed, and who gets the key, for each form of the argument; and the list of runs without one."""

import argparse
import json
from typing import Any

import pytest

from client import follow_command
from client.follow import Follower
from client.run_client import RunClient, View
from client.run_list import UNDER_WAY
from tests.batch.builders import after, custom_status, result, run, view_of

APP, OTHER = "https://my-app.azurewebsites.net", "https://other.example"
KEY = "s3cr3t-function-key"
TOKEN = "s3cr3t-access-token"
SECRETS = (KEY, TOKEN)
Followed = tuple[str, str, tuple[str | None, str | None]]
QUEUED: View = dict(view_of("Running", custom_status(run(status="Running"), next_check_at=after(180))))
COMPLETED: View = dict(view_of("Completed", None, result(run(status="Completed"), after(60))))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATCH_FUNCTION_URL", raising=False)
    monkeypatch.delenv("FOLLOW_CALLED_AS", raising=False)
    monkeypatch.setenv("BATCH_FUNCTION_KEY", KEY)
    monkeypatch.setenv("BATCH_FUNCTION_TOKEN", TOKEN)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Followed]:
    """App and id of each run that was followed, with the key and the token that were sent."""
    noted: list[Followed] = []

    def follow(self: Follower, run_id: str) -> View:
        noted.append((self.client.url, run_id, (self.client.key, self.client.token)))
        return COMPLETED

    monkeypatch.setattr(Follower, "follow", follow)
    return noted


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    follow_command.add_to(parser.add_subparsers(dest="command"))
    return follow_command.run(parser.parse_args(["follow", *words]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["r-1"], ("http://localhost:7071", "r-1", SECRETS)),
        (["r-1", "--url", f"{APP}/api"], (APP, "r-1", SECRETS)),
        (["r-1", "--url", f"{APP}/api/monitor#/runs/r-2"], (APP, "r-1", SECRETS)),
        (["--url", f"{APP}/api/monitor#/runs/r-2"], (APP, "r-2", SECRETS)),
        ([f"{APP}/api/batch-runs/r-3"], (APP, "r-3", SECRETS)),
        ([f"{APP}/api/batch-runs/r-3", "--url", APP], (APP, "r-3", SECRETS)),
        ([f"{APP}/runtime/webhooks/durabletask/instances/r-4?code=x"], (APP, "r-4", SECRETS)),
    ],
)
def test_each_form_names_an_app_and_a_run(followed: list[Any], words: list[str], expected: Followed) -> None:
    assert call(*words) == 0
    assert followed == [expected]


def test_key_and_token_of_the_usual_app_go_to_no_other_one(
    followed: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATCH_FUNCTION_URL", f"{APP}/api")
    call(f"{OTHER}/api/batch-runs/r-1")
    assert followed.pop() == (OTHER, "r-1", (None, None))
    assert f"{OTHER}, which gets no key and no token" in capsys.readouterr().err
    call(f"{APP}/api/batch-runs/r-1")
    assert followed.pop() == (APP, "r-1", SECRETS)
    call("r-1", "--url", OTHER)
    assert followed.pop() == (OTHER, "r-1", SECRETS)
    assert capsys.readouterr().err == ""


def test_two_different_apps_are_refused(followed: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(f"{OTHER}/api/batch-runs/r-1", "--url", APP) == follow_command.NOT_READABLE
    assert capsys.readouterr().err == f"{OTHER} is not the app of --url.\n"
    assert followed == []


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The pages of the list, in their order."""
    pages: list[dict[str, Any]] = []

    def page(self: RunClient, phases: str, continuation: str | None) -> dict[str, Any]:
        assert phases == UNDER_WAY
        return pages[int(continuation or 0)]

    monkeypatch.setattr(RunClient, "list", page)
    return pages


def test_without_a_run_it_lists_those_under_way(
    pages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    long_id = "x" * 100
    pages.append({"runs": [QUEUED], "continuation": "1"})
    pages.append(
        {"runs": [{**QUEUED, "run_id": long_id, "needs_attention": {"code": "a"}}], "continuation": None}
    )
    assert call("--url", APP) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert [line.split()[:2] for line in lines] == [["r-1", "Queued"], [long_id, "Queued"]]
    assert [line.endswith("needs attention") for line in lines] == [False, True]
    assert printed.err == "To follow one: python -m client follow RUN\n"


SOURCE = {"container": "incoming", "folder": "monday", "count": 1}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (SOURCE, "incoming/monday, 1 file"),
        ({**SOURCE, "count": 12}, "incoming/monday, 12 files"),
        ({**SOURCE, "folder_count": 6}, "incoming/monday, 1 new of 6 files"),
        ({**SOURCE, "folder_count": 1}, "incoming/monday, 1 new of 1 file"),
    ],
)
def test_the_list_names_the_new_data_of_a_run(
    pages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], source: dict[str, Any], told: str
) -> None:
    pages.append({"runs": [{**QUEUED, "source": source}], "continuation": None})
    assert call("--url", APP) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.endswith(f"  {told}")


def test_without_runs_it_says_so(pages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    pages.append({"runs": [], "continuation": None})
    assert call() == 0
    assert capsys.readouterr() == ("", "No run is under way.\n")


def test_the_list_ends_somewhere(pages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    pages.extend({"runs": [QUEUED] * 50, "continuation": str(number)} for number in range(1, 20))
    assert call() == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 200
    assert printed.err.startswith("There are more")


def test_as_json_the_list_is_one_run_in_a_line(
    pages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    pages.append({"runs": [QUEUED], "continuation": None})
    assert call("--json") == 0
    printed = capsys.readouterr()
    assert [json.loads(line) for line in printed.out.splitlines()] == [QUEUED]
    assert printed.err == ""


def test_the_usage_names_the_command_as_it_was_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOLLOW_CALLED_AS", "tools/follow")
    with pytest.raises(SystemExit):
        call("--help")
    printed = capsys.readouterr().out
    assert printed.startswith("usage: tools/follow [-h]")
    assert "`" not in printed
