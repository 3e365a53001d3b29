"""What Azure would refuse, decided from what was looked up there."""

from collections.abc import Iterator, Mapping

from infra.hooks.azure_state import (
    SOURCES,
    AzureState,
    DeletedVault,
    Topic,
    group_name,
    needed_secrets,
    region,
    sources,
    subscription_of,
)
from infra.hooks.report import Finding, Note, Problem, alternatives, passed_once

_HOW_TO_PASS = {
    "BATCH_CLIENT_SECRET": "the secret of the service principal",
    "NOTIFICATION_URL": "the address of the webhook",
}

_EMPTY = '""'


def findings_in_azure(environment: Mapping[str, str], state: AzureState) -> Iterator[Finding]:
    yield from state.notes
    yield from _region(environment, state)
    if state.network_provider not in (None, "Registered"):
        yield Problem(
            f"PRIVATE_NETWORKING needs the resource provider Microsoft.App, which is {state.network_provider}."
            " No template registers it: its network is delegated to it.",
            ("az provider register --namespace Microsoft.App --wait" + _subscription(environment),),
        )
    vault = _deleted_vault(environment, state)
    if vault is not None:
        yield from _recover(environment, state, vault)
    elif state.secrets is not None:
        for variable, secret in needed_secrets(environment).items():
            if secret not in state.secrets:
                yield _missing_secret(variable)
    for variable, source in sources(environment).items():
        yield from _topic(environment, state, variable, source)


def _region(environment: Mapping[str, str], state: AzureState) -> Iterator[Finding]:
    wanted = region(environment.get("AZURE_LOCATION", ""))
    if not wanted:
        return
    group = group_name(environment)
    present = (state.groups or {}).get(group.lower(), wanted)
    if present != wanted:
        yield Problem(
            f"AZURE_LOCATION is {wanted}, and the resource group {group} is in {present}."
            " Azure moves no group: keep its region, or choose another environment.",
            alternatives(f"azd env set AZURE_LOCATION {present}", "azd env new <name>"),
        )
    elif state.regions and wanted not in state.regions:
        yield Problem(
            f"AZURE_LOCATION is {wanted}, which does not offer Flex Consumption.",
            (
                "az functionapp list-flexconsumption-locations --output table",
                "azd env set AZURE_LOCATION <region>",
            ),
        )


def _deleted_vault(environment: Mapping[str, str], state: AzureState) -> DeletedVault | None:
    """The vault that ``azd down`` of this environment left. The region is part of its name."""
    here = (environment["AZURE_ENV_NAME"], region(environment.get("AZURE_LOCATION", "")))
    vaults = state.deleted_vaults or []
    return next((vault for vault in vaults if (vault.environment_name, vault.location) == here), None)


def _recover(environment: Mapping[str, str], state: AzureState, vault: DeletedVault) -> Iterator[Finding]:
    group, there = group_name(environment), _subscription(environment)
    tag = f"azd-env-name={environment['AZURE_ENV_NAME']}"
    create = (f"az group create --name {group} --location {vault.location} --tags {tag}{there}",)
    yield Problem(
        f"The Key Vault {vault.name} of this environment is deleted, and its name is reserved."
        " Recover it, with its secrets, or choose another environment.",
        (
            *(create if group.lower() not in (state.groups or {}) else ()),
            f"az keyvault recover --name {vault.name} --location {vault.location}{there}",
        ),
    )


def _missing_secret(variable: str) -> Problem:
    return Problem(
        f"{variable} is not given, and {_HOW_TO_PASS[variable]} is not in Key Vault."
        " Pass it to one command, so that azd does not keep it.",
        passed_once(variable),
    )


def _topic(
    environment: Mapping[str, str], state: AzureState, variable: str, source: str
) -> Iterator[Finding]:
    existing = environment[SOURCES[variable]]
    if existing:
        yield from _existing_topic(environment, state, variable, source, existing)
        return
    subscription = environment.get("AZURE_SUBSCRIPTION_ID", "").lower()
    topic = _topic_of_others(environment, state, source)
    if topic is not None:
        yield Problem(
            f"{variable} has the system topic {topic.name} already, in the resource group {topic.group}, and"
            " Event Grid allows one for each source. Use it. Whoever deletes it ends the events of this app, too.",
            (*_give_identity(topic), f"azd env set {SOURCES[variable]} {topic.id}"),
        )
    elif subscription and subscription_of(source) != subscription:
        yield Note(
            f"{variable} is in another subscription than the app. Its system topic must be in its own subscription:"
            f" create it there and set {SOURCES[variable]}."
        )


def _topic_of_others(environment: Mapping[str, str], state: AzureState, source: str) -> Topic | None:
    """A topic of ``source`` beside which Event Grid allows none of this deployment's own."""
    topics = (topic for topic in state.topics or [] if topic.source.lower() == source.lower())
    return next((topic for topic in topics if not _is_own(environment, topic)), None)


def _existing_topic(
    environment: Mapping[str, str], state: AzureState, variable: str, source: str, existing: str
) -> Iterator[Finding]:
    if state.topics is None:
        return
    topic = next((topic for topic in state.topics if topic.id.lower() == existing.lower()), None)
    if topic is None:
        if subscription_of(existing) == subscription_of(source):
            other = _topic_of_others(environment, state, source)
            yield Problem(
                f"{SOURCES[variable]} names a system topic that is not there."
                + (" The source has another one." if other else " This environment can make one of its own."),
                (
                    *(_give_identity(other) if other else ()),
                    f"azd env set {SOURCES[variable]} {other.id if other else _EMPTY}",
                ),
            )
    elif topic.source.lower() != source.lower():
        yield Problem(
            f"{SOURCES[variable]} names the system topic of another source: {topic.source}",
            (f"azd env set {SOURCES[variable]} {_EMPTY}",),
        )
    elif not topic.has_identity:
        yield Problem(
            f"{SOURCES[variable]} names a system topic without a system-assigned identity, which dead letters need.",
            _give_identity(topic),
        )


def _give_identity(topic: Topic) -> tuple[str, ...]:
    if topic.has_identity:
        return ()
    return (
        f"az eventgrid system-topic update --subscription {topic.subscription} --resource-group {topic.group}"
        f" --name {topic.name} --identity systemassigned",
    )


def _is_own(environment: Mapping[str, str], topic: Topic) -> bool:
    """Whether this deployment updates ``topic``. Earlier versions named it without a hash of its source."""
    token = environment.get("AZURE_FUNCTION_APP_NAME", "").removeprefix("func-")
    has_old_name = bool(token) and topic.name in (f"egst-jobs-{token}", f"egst-data-{token}")
    return topic.group.lower() == group_name(environment).lower() and not has_old_name


def _subscription(environment: Mapping[str, str]) -> str:
    return f" --subscription {environment['AZURE_SUBSCRIPTION_ID']}"
