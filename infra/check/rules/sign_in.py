"""Sign-in in front of the app (authsettingsV2): each request needs a login, unless its caller can have none."""

from infra.check.bicep import Declaration, Template, line, literal
from infra.check.findings import Finding, Findings
from infra.check.project import Project

_WITHOUT_LOGIN = {
    "/runtime/webhooks/eventgrid": "Event Grid cannot sign in, and the app would lose events",
    "/runtime/webhooks/durabletask/*": "the status URL that a start answers with would need a login",
}
_GUARDED_BY_KEYS = "/runtime/webhooks/"
"""Where the host itself demands a key, whatever the functions say."""

_LOGIN_IS_REQUIRED: dict[tuple[str, ...], frozenset[object]] = {
    ("platform", "enabled"): frozenset({True}),
    ("globalValidation", "requireAuthentication"): frozenset({True}),
    ("globalValidation", "unauthenticatedClientAction"): frozenset(
        {"RedirectToLoginPage", "Return401", "Return403"}
    ),
}
_ENTRA = ("identityProviders", "azureActiveDirectory")
_REGISTRATION = (*_ENTRA, "registration")
_CALLERS = ("validation", "defaultAuthorizationPolicy", "allowedApplications")


def check_sign_in(template: Template) -> Findings:
    for declared in sign_ins(template):
        for path, allowed in _LOGIN_IS_REQUIRED.items():
            node = declared.at("properties", *path)
            if literal(template.resolved(node)) not in allowed:
                yield Finding(
                    template.path,
                    line(node or declared.node),
                    f"{'.'.join(path)} must not let requests without a login through",
                )
        yield from _excluded_paths(template, declared)
        if declared.at("properties", *_ENTRA, *_CALLERS) is None:
            yield Finding(
                template.path,
                line(declared.at("properties", *_ENTRA) or declared.node),
                f"{'.'.join(_CALLERS)} must name who may call: without it valid tokens may be answered 403",
            )


def _excluded_paths(template: Template, declared: Declaration) -> Findings:
    excluded = paths_without_login(template, declared)
    place = line(declared.at("properties", "globalValidation", "excludedPaths") or declared.node)
    for path, reason in _WITHOUT_LOGIN.items():
        if path not in excluded:
            yield Finding(template.path, place, f"excludedPaths must have {path}: without it, {reason}")
    for path in excluded:
        if not path.startswith(_GUARDED_BY_KEYS):
            problem = f"excludedPaths has {path}: only paths below {_GUARDED_BY_KEYS} may go without a login"
            yield Finding(template.path, place, problem)


def paths_without_login(template: Template, declared: Declaration) -> list[str]:
    paths = template.resolved(declared.at("properties", "globalValidation", "excludedPaths"))
    return [str(literal(one)) for one in paths.named_children] if paths is not None else []


def sign_ins(template: Template) -> list[Declaration]:
    return site_configs(template, "authsettingsV2")


def site_configs(template: Template, name: str) -> list[Declaration]:
    """What the template sets of an app under this name, such as its app settings."""
    configs = template.resources("Microsoft.Web/sites/config")
    return [one for one in configs if literal(one.at("name")) == name and not one.is_existing]


def named_in_sign_ins(project: Project) -> set[str]:
    """The app settings with which the app proves to Microsoft Entra that it is the app of the registration."""
    return {
        str(name)
        for template in project.templates.values()
        for declared in sign_ins(template)
        if (name := literal(declared.at("properties", *_REGISTRATION, "clientSecretSettingName"))) is not None
    }
