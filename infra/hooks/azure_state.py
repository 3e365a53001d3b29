"""What a deployment would meet in Azure, looked up with as few calls as the settings need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from infra.hooks.azure_cli import AzureCli, AzureCliError, AzureCliTimeout
from infra.hooks.report import Note
from infra.hooks.values import is_true

T = TypeVar("T")

SECRETS = {
    "BATCH_CLIENT_SECRET": "batch-endpoint-client-secret",
    "NOTIFICATION_URL": "notification-url",
}
"""The variable that passes a secret, and its name in Key Vault."""

SOURCES = {
    "AZURE_ML_WORKSPACE_ID": "EXISTING_WORKSPACE_TOPIC_ID",
    "NEW_DATA_STORAGE_ACCOUNT_ID": "EXISTING_DATA_TOPIC_ID",
}
"""What sends events, and the variable of a system topic that it has already."""

_SECRETS_API = "2024-11-01"


@dataclass(frozen=True)
class Topic:
    """A system topic of Event Grid."""

    id: str
    subscription: str
    group: str
    name: str
    source: str
    has_identity: bool

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Topic":
        _, _, subscription, _, group, *_, name = answer["id"].split("/")
        identity = answer.get("identity") or {}
        has_identity = "systemassigned" in str(identity.get("type")).lower()
        return cls(answer["id"], subscription, group, name, answer["source"], has_identity)


@dataclass(frozen=True)
class DeletedVault:
    name: str
    location: str
    environment_name: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "DeletedVault":
        properties = answer["properties"]
        return cls(
            answer["name"],
            region(properties["location"]),
            (properties.get("tags") or {}).get("azd-env-name", ""),
        )


@dataclass
class AzureState:
    """None: not looked up, because the settings do not need it or because Azure did not answer."""

    groups: dict[str, str] | None = None
    """The region of each resource group of the subscription, by its name in lower case."""

    regions: frozenset[str] | None = None
    """Those with Flex Consumption."""

    network_provider: str | None = None
    """The registration of Microsoft.App."""

    secrets: frozenset[str] | None = None
    """The names of the secrets in the vault of this environment."""

    deleted_vaults: list[DeletedVault] | None = None
    topics: list[Topic] | None = None
    """System topics in the subscriptions of the sources."""

    notes: list[Note] = field(default_factory=list)


def region(text: str) -> str:
    """``West Europe`` and ``westeurope`` are the same."""
    return text.replace(" ", "").lower()


def group_name(environment: Mapping[str, str]) -> str:
    return f"rg-{environment['AZURE_ENV_NAME']}"


def subscription_of(resource_id: str) -> str:
    return resource_id.split("/")[2].lower() if resource_id.startswith("/subscriptions/") else ""


def needed_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The secrets that the app reads and that this deployment is not given: name in Key Vault, by variable."""
    used = {
        "BATCH_CLIENT_SECRET": environment["BATCH_IDENTITY"] == "ServicePrincipal",
        "NOTIFICATION_URL": is_true(environment, "NOTIFICATION_WEBHOOK"),
    }
    return {name: secret for name, secret in SECRETS.items() if used[name] and not environment[name]}


def keeps_secrets(environment: Mapping[str, str]) -> bool:
    return environment["BATCH_IDENTITY"] == "ServicePrincipal" or is_true(environment, "NOTIFICATION_WEBHOOK")


def sources(environment: Mapping[str, str]) -> dict[str, str]:
    """The resource ids of those that will send events, by variable."""
    names = ["NEW_DATA_STORAGE_ACCOUNT_ID"]
    if is_true(environment, "JOB_EVENTS"):
        names.insert(0, "AZURE_ML_WORKSPACE_ID")
    return {name: environment[name] for name in names if subscription_of(environment[name])}


class _Questions:
    def __init__(self, azure: AzureCli) -> None:
        self._azure = azure
        self._is_silent = False
        self.notes: list[Note] = []

    def ask(self, what: str, read: Callable[[Any], T], *arguments: str) -> T | None:
        """None, and a note, if the caller may not look: Azure may accept the deployment all the same."""
        if self._is_silent:
            return None
        try:
            return read(self._azure.read(*arguments))
        except AzureCliTimeout as error:
            # The others would take as long.
            self._is_silent = True
            self.notes.append(Note(f"{what} could not be looked up: {error} Nothing more was looked up."))
        except AzureCliError as error:
            reason = str(error).splitlines()[0].removeprefix("ERROR: ")
            self.notes.append(Note(f"{what} could not be looked up: {reason}"))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            self.notes.append(
                Note(f"{what} could not be looked up: az answered in another form ({error!r}).")
            )
        return None


def look_up(azure: AzureCli, environment: Mapping[str, str]) -> AzureState:
    """At most eight calls."""
    subscription = environment.get("AZURE_SUBSCRIPTION_ID", "")
    if not subscription:
        return AzureState(
            notes=[
                Note(
                    "AZURE_SUBSCRIPTION_ID is not set yet. azd asks for it next; nothing was looked up in Azure."
                )
            ]
        )
    questions = _Questions(azure)
    here = ("--subscription", subscription)
    state = AzureState(notes=questions.notes)
    state.groups = questions.ask(
        "The resource groups",
        lambda groups: {group["name"].lower(): region(group["location"]) for group in groups},
        *("group", "list", *here),
    )
    if not environment.get("AZURE_FUNCTION_APP_NAME"):
        state.regions = questions.ask(
            "The regions of Flex Consumption",
            lambda regions: frozenset(region(one["name"]).partition("(")[0] for one in regions),
            *("functionapp", "list-flexconsumption-locations", *here),
        )
    if is_true(environment, "PRIVATE_NETWORKING"):
        state.network_provider = questions.ask(
            "The provider Microsoft.App",
            lambda provider: str(provider["registrationState"]),
            *("provider", "show", "--namespace", "Microsoft.App", *here),
        )
    if keeps_secrets(environment):
        state.deleted_vaults = questions.ask(
            "Deleted Key Vaults",
            lambda vaults: [DeletedVault.of(vault) for vault in vaults],
            *("keyvault", "list-deleted", "--resource-type", "vault", *here),
        )
    if needed_secrets(environment) and state.groups is not None:
        state.secrets = _secrets(questions, group_name(environment), state.groups, here)
    if is_true(environment, "JOB_EVENTS") and not environment["AZURE_ML_WORKSPACE_ID"]:
        questions.notes.append(
            Note(
                "AZURE_ML_WORKSPACE_ID is not set yet. azd asks for it next; its system topic was not looked up."
            )
        )
    state.topics = _topics(questions, {subscription_of(source) for source in sources(environment).values()})
    return state


def _secrets(
    questions: _Questions, group: str, groups: Mapping[str, str], here: tuple[str, str]
) -> frozenset[str] | None:
    if group.lower() not in groups:
        return frozenset()
    vaults = questions.ask(
        "The Key Vault",
        lambda vaults: [str(vault["id"]) for vault in vaults],
        *("keyvault", "list", "--resource-group", group, *here),
    )
    if not vaults:
        return None if vaults is None else frozenset()
    # Resource Manager lists names without values, and asks for no role on the vault.
    return questions.ask(
        "The secrets in Key Vault",
        lambda answer: frozenset(str(secret["name"]) for secret in answer["value"]),
        *("rest", "--method", "get", "--url", f"{vaults[0]}/secrets?api-version={_SECRETS_API}"),
    )


def _topics(questions: _Questions, subscriptions: set[str]) -> list[Topic] | None:
    topics: list[Topic] = []
    for subscription in sorted(subscriptions):
        found = questions.ask(
            "System topics",
            lambda answers: [Topic.of(answer) for answer in answers],
            *("eventgrid", "system-topic", "list", "--subscription", subscription),
        )
        if found is None:
            return None
        topics += found
    return topics
