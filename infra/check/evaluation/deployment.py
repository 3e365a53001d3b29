"""What a template deploys: its resources with their values, those of its modules, and its outputs."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, line
from infra.check.evaluation import syntax, tree
from infra.check.evaluation.expressions import Context, evaluate, is_true, loop_items, plain
from infra.check.evaluation.functions import shown
from infra.check.evaluation.limits import LIMITS, wrong_value
from infra.check.evaluation.surroundings import Surroundings, functions_of
from infra.check.evaluation.values import EvaluationError, Place, Reference, Unknown, Value
from infra.check.project import Project

GROUP = "Microsoft.Resources/resourceGroups"
MODULE = "Microsoft.Resources/deployments"


@dataclass(frozen=True, slots=True)
class Resource:
    """``body`` is the evaluated declaration, ``scope`` the id of what it is deployed to, ``place`` that of its name.

    A module is one, too, of the type MODULE: its name is that of a deployment.
    """

    type: str
    api_version: str
    name: str
    id: str
    scope: str
    body: Mapping[str, Value]
    place: Place

    def at(self, *path: str) -> Value:
        """The value at this path of the body; None if there is none."""
        value: Value = self.body
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, slots=True)
class Deployment:
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Value]

    def of_type(self, name: str) -> list[Resource]:
        return [one for one in self.resources if one.type == name]


def deploy(
    project: Project, template: Template, parameters: Mapping[str, Value], surroundings: Surroundings
) -> Deployment:
    """Evaluates a template for a subscription. Raises EvaluationError."""
    scope = f"/subscriptions/{surroundings.subscription}"
    evaluation = _Evaluation(project, template, parameters, surroundings, scope)
    return Deployment(tuple(evaluation.resources()), evaluation.outputs())


class _Evaluation:
    """One template with its parameters. Names are evaluated when an expression asks for them, and once."""

    def __init__(
        self,
        project: Project,
        template: Template,
        parameters: Mapping[str, Value],
        surroundings: Surroundings,
        scope: str,
    ) -> None:
        self.project = project
        self.template = template
        self.surroundings = surroundings
        self.scope = scope
        self._parameters = parameters
        self._values: dict[str, Value] = {}
        self._under_way: set[str] = set()
        self._functions: Mapping[str, Callable[..., Value]] = {
            **functions_of(scope, surroundings),
            "loadJsonContent": self._load_json,
        }
        for declared in template.of_kind("param"):
            self._values[declared.name] = self._parameter(declared)

    def resources(self) -> Iterator[Resource]:
        for declared in self.template.declarations.values():
            if declared.kind not in ("resource", "module") or declared.is_existing:
                continue
            found = self.value_of(declared.name, self._place(declared.node))
            for one in found if isinstance(found, list) else [found]:
                if one.is_deployed:
                    yield one.resource
                    yield from one.inner() if isinstance(one, _Module) else ()

    def outputs(self) -> dict[str, Value]:
        return {
            name: plain(self._evaluate(output.value), self._place(output.node))
            for name, output in self.template.outputs.items()
        }

    def value_of(self, name: str, place: Place) -> Value:
        if name not in self._values:
            declared = self.template.declarations.get(name)
            if declared is None:
                raise EvaluationError(place, f"{name} is not declared")
            if name in self._under_way:
                raise EvaluationError(place, f"{name} depends on itself")
            self._under_way.add(name)
            self._values[name] = self._declared(declared)
            self._under_way.remove(name)
        return self._values[name]

    def function(self, name: str) -> Callable[..., Value] | None:
        return self._functions.get(name)

    def context(self, bound: Mapping[str, Value]) -> Context:
        return Context(self.template.path, self, bound)

    def _place(self, node: Node) -> Place:
        return Place(self.template.path, line(node))

    def _read(self, node: Node | None) -> tree.Expression:
        if node is None:
            raise EvaluationError(Place(self.template.path, 1), "a declaration has no value")
        try:
            return syntax.read(node)
        except syntax.UnknownSyntax as error:
            raise EvaluationError(
                self._place(error.node),
                f"infra/check/evaluation/syntax.py does not know this syntax: {error}",
            ) from None

    def _evaluate(self, node: Node | None) -> Value:
        return evaluate(self._read(node), self.context({}))

    def _parameter(self, declared: Declaration) -> Value:
        place = self._place(declared.node)
        value = self._parameters.get(declared.name)
        if value is None and declared.value is not None:
            value = self._evaluate(declared.value)
        if value is None:
            raise EvaluationError(place, f"parameter {declared.name} has no value")
        limits = {
            name: self._evaluate(argument) for name, argument in declared.decorators.items() if name in LIMITS
        }
        if wrong := wrong_value(value, declared.type_text, limits):
            raise EvaluationError(place, f"parameter {declared.name} {wrong}")
        return value

    def _declared(self, declared: Declaration) -> Value:
        expression = self._read(declared.value)
        if declared.kind == "var":
            return evaluate(expression, self.context({}))
        kind = _Module if declared.kind == "module" else _Resource
        if not isinstance(expression, tree.Loop):
            return kind(self, declared, expression, {})
        pairs = loop_items(expression, self.context({}))
        return [
            kind(self, declared, expression.body, dict(zip(expression.names, pair, strict=False)))
            for pair in pairs
        ]

    def _load_json(self, path: str) -> Value:
        return json.loads(self.project.read(self.project.module_file(self.template, path)))


class _Declared(Reference):
    """A resource or module, or one item of its loop."""

    def __init__(
        self,
        evaluation: _Evaluation,
        declared: Declaration,
        expression: tree.Expression,
        bound: Mapping[str, Value],
    ) -> None:
        self._evaluation = evaluation
        self._declared = declared
        self._context = evaluation.context(bound)
        self._condition = expression.condition if isinstance(expression, tree.If) else None
        self._body = expression.body if isinstance(expression, tree.If) else expression
        self.place = Place(self._context.file, line(declared.node))

    @cached_property
    def is_deployed(self) -> bool:
        return self._condition is None or is_true(self._condition, self._context)

    @cached_property
    def _entries(self) -> Mapping[str, tree.Expression]:
        if not isinstance(self._body, tree.Object):
            raise EvaluationError(self.place, f"{self._declared.name} has no body")
        return {shown(evaluate(key, self._context)): value for key, value in self._body.entries}

    def _get(self, name: str) -> Value:
        """The value of an entry; None if there is none."""
        return evaluate(self._entries[name], self._context) if name in self._entries else None

    @cached_property
    def name(self) -> str:
        found = self._get("name")
        if not isinstance(found, str):
            raise EvaluationError(self.place, f"{self._declared.name} has no name")
        return found

    @cached_property
    def scope(self) -> str:
        """The id of the subscription, group or resource to which it is deployed."""
        found = self._get("scope")
        if found is None:
            return self._evaluation.scope
        return str(found.at("id") if isinstance(found, Reference) else found["id"])

    @cached_property
    def _name_place(self) -> Place:
        return self._context.place(self._entries["name"])


class _Resource(_Declared):
    @cached_property
    def type(self) -> str:
        return self._declared.resource_type

    @cached_property
    def id(self) -> str:
        parent = self._get("parent")
        if parent is not None:
            return f"{parent.id}/{self.type.rpartition('/')[2]}/{self.name}"
        if self.type == GROUP:
            return f"{self.scope}/resourceGroups/{self.name}"
        provider, *types = self.type.split("/")
        names = self.name.split("/")
        if len(names) != len(types):
            raise EvaluationError(
                self._name_place, f"{self.name} must have {len(types)} parts, as {self.type}"
            )
        pairs = "/".join(f"{kind}/{name}" for kind, name in zip(types, names, strict=True))
        return f"{self.scope}/providers/{provider}/{pairs}"

    @cached_property
    def resource(self) -> Resource:
        body = {
            name: self._get(name) for name in self._entries if name not in ("parent", "scope", "dependsOn")
        }
        version = self._declared.type_text.partition("@")[2]
        return Resource(self.type, version, self.name, self.id, self.scope, body, self._name_place)

    def at(self, step: str) -> Value:
        known = {"id": lambda: self.id, "name": lambda: self.name, "type": lambda: self.type}
        if step in known:
            return known[step]()
        if not self.is_deployed:
            raise EvaluationError(self.place, f"{self._declared.name}.{step} is read, but it is not deployed")
        return Unknown(self.name, self._evaluation.surroundings.answer(self.type, self.name)).at(step)


class _Module(_Declared):
    @cached_property
    def resource(self) -> Resource:
        return Resource(
            MODULE,
            "",
            self.name,
            f"{self.scope}/providers/{MODULE}/{self.name}",
            self.scope,
            {"name": self.name, "properties": {"parameters": self._get("params") or {}}},
            self._name_place,
        )

    @cached_property
    def _deployment(self) -> _Evaluation:
        own = self._evaluation
        path = own.project.module_file(own.template, self._declared.type_text)
        template = own.project.templates.get(path)
        if template is None:
            raise EvaluationError(self.place, f"the file {path} does not exist")
        return _Evaluation(own.project, template, self._get("params") or {}, own.surroundings, self.scope)

    def inner(self) -> Iterator[Resource]:
        yield from self._deployment.resources()

    @cached_property
    def _outputs(self) -> Mapping[str, Value]:
        return self._deployment.outputs()

    def at(self, step: str) -> Value:
        if step == "name":
            return self.name
        if step != "outputs":
            raise EvaluationError(self.place, f"module {self._declared.name} has no {step}")
        if not self.is_deployed:
            raise EvaluationError(
                self.place, f"an output of module {self._declared.name} is read, but it is not deployed"
            )
        return self._outputs
