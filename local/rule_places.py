"""Folders of this machine for the datastores and storage accounts that rules for new data name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch.new_data.blob import Blob
from batch.new_data.rules import NewDataRule
from batch.new_data.template import fill, times
from local.event_grid import Container
from local.machine import container_folder

_IN_A_WORKSPACE = re.compile(r"(?:azureml:/?)?/subscriptions/.+?/workspaces/[^/]+/datastores/", re.IGNORECASE)
_DATASTORE = re.compile(r"azureml://datastores/(?P<store>[^/]+)/paths/(?P<path>.*)", re.DOTALL)
_URLS = (
    re.compile(r"(?P<place>https://(?P<account>[^./]+)\.(?:blob|dfs)\.[^/]+/(?P<container>[^/]+))"),
    re.compile(r"(?P<place>(?:abfss|wasbs)://(?P<container>[^@/]+)@(?P<account>[^./]+)\.[^/]+)"),
)
_OF_THIS_MACHINE = frozenset({"samples", "workspaceblobstore"})
_OF_THE_BLOB = ("{path}", "{folder}", "{file}")


def in_this_workspace(uri: str) -> str:
    """``uri`` without the workspace of its datastore, which is not on this machine."""
    return _IN_A_WORKSPACE.sub("azureml://datastores/", uri, count=1)


@dataclass(slots=True)
class RulePlaces:
    """``containers`` are those that the rules watch, all of one account, with their folders in ``state``.

    ``datastores`` maps names to folders, and ``storage`` the beginnings of URLs. ``remarks`` are for people.
    """

    state: Path
    containers: tuple[Container, ...]
    datastores: dict[str, Path] = field(default_factory=dict)
    storage: dict[str, Path] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add_input(self, rule: Mapping[str, Any]) -> None:
        """A datastore whose path begins with the path of the blob has the blobs of the rule's container."""
        uri = rule.get("input_uri", "")
        if found := _DATASTORE.fullmatch(uri):
            container = rule.get("container", "")
            name = found["store"].replace("{container}", container).lower()
            if found["path"].startswith(_OF_THE_BLOB):
                self._show(name, container_folder(self.state, container))
            elif found["path"].startswith("{container}"):
                self._show(name, self.state)
        self.add_any(rule, uri)

    def add_any(self, rule: Mapping[str, Any], uri: str) -> None:
        """Another datastore or container has a folder of its own."""
        if found := _DATASTORE.fullmatch(uri):
            name = found["store"].replace("{container}", rule.get("container", "")).lower()
            if name not in _OF_THIS_MACHINE:
                self.datastores.setdefault(name, self.state / "data_stores" / name)
        for form in _URLS:
            if found := form.match(self._with_names(rule, uri)):
                self._add_url(found)

    def takes_its_results(self, rule: NewDataRule, output_uri: str) -> bool:
        """Whether what a run of ``rule`` writes is new data of the same rule: then each run starts another one."""
        at = datetime.now(UTC)
        folder = f"{rule.prefix}folder"
        values = {
            "run_id": "run",
            "account": self.containers[0].account,
            "container": rule.container,
            "folder": folder,
            "file": f"file{rule.suffix}",
            "path": f"{folder}/",
            **times(at),
        }
        found = _DATASTORE.fullmatch(fill(output_uri, values))
        if found is None:
            return False
        container = container_folder(self.state, rule.container)
        if self.datastores.get(found["store"].lower()) != container:
            return False
        result = Blob(self.containers[0].account, rule.container, found["path"], "result", at)
        return rule.why_ignored(result) is None

    def _show(self, name: str, folder: Path) -> None:
        if self.datastores.setdefault(name, folder) != folder:
            self.remarks.append(
                f"The datastore {name} shows {self.datastores[name]}. Azure ML has one container in a datastore, and"
                f" another rule reads {folder} from it."
            )

    def _with_names(self, rule: Mapping[str, Any], uri: str) -> str:
        account = self.containers[0].account
        return uri.replace("{account}", account).replace("{container}", rule.get("container", ""))

    def _add_url(self, found: re.Match[str]) -> None:
        place, account, container = found["place"], found["account"], found["container"]
        if place.startswith(tuple(one for each in self.containers for one in each.addresses)):
            return
        if container in {one.name for one in self.containers}:
            self.storage[place] = container_folder(self.state, container)
            self.remarks.append(f"{place} is {self.storage[place]}.")
        else:
            self.storage[place] = self.state / "other_storage" / account / container
