"""What the app's Python source shows: the settings that it reads, the functions that it has."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path

from infra.check.findings import Finding, Findings
from infra.check.project import Project

ENVIRONMENT_NAMES = {"environ", "environment"}


@dataclass(frozen=True)
class Module:
    """One Python file."""

    reads: tuple[tuple[int, str | None], ...]
    """Lines where an app setting is read, with its name; None if the source does not show the name."""
    event_grid_functions: frozenset[str]
    texts: frozenset[str]
    imports: frozenset[str]
    constants: dict[str, ast.expr]


@cache
def _module(source: str) -> Module:
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    values = (node.value for node in nodes if isinstance(node, ast.Constant))
    return Module(
        tuple(_reads(tree)),
        frozenset(
            _function_name(one)
            for one in functions
            if any(_called(decorator) == "event_grid_trigger" for decorator in one.decorator_list)
        ),
        frozenset(value for value in values if isinstance(value, str)),
        frozenset(_imports(nodes)),
        _constants(tree),
    )


@dataclass(frozen=True)
class Source:
    """The deployed Python files."""

    files: dict[Path, Module]

    @classmethod
    def of(cls, project: Project, deployed: list[Path]) -> "Source":
        return cls({path: _module(project.read(path)) for path in deployed if path.suffix == ".py"})

    @cached_property
    def settings(self) -> dict[str, tuple[Path, int]]:
        """Names of the app settings that the app itself reads, and where."""
        return {name: (path, line) for path, one in self.files.items() for line, name in one.reads if name}

    def unreadable(self) -> Findings:
        for path, one in self.files.items():
            for line, name in one.reads:
                if name is None:
                    yield Finding(path, line, "the source does not show which app setting is read here")

    @cached_property
    def event_grid_functions(self) -> set[str]:
        return {name for one in self.files.values() for name in one.event_grid_functions}

    @cached_property
    def texts(self) -> set[str]:
        return {text for one in self.files.values() for text in one.texts}

    @cached_property
    def imports(self) -> set[str]:
        """Names of all modules that are imported somewhere."""
        return {name for one in self.files.values() for name in one.imports}

    def constant(self, name: str) -> object:
        """The literal value of a module-level constant, without its ``frozenset(...)``; None if there is none."""
        value = next((one.constants[name] for one in self.files.values() if name in one.constants), None)
        if value is None:
            return None
        return ast.literal_eval(value.args[0] if isinstance(value, ast.Call) and value.args else value)


@lru_cache(maxsize=1)
def library_settings() -> set[str]:
    """Names that azure-identity reads, from its own table."""
    spec = find_spec("azure.identity")
    if spec is None or spec.origin is None:
        raise RuntimeError("azure-identity is not installed, so the settings that it reads are unknown")
    tree = ast.parse(Path(spec.origin).with_name("_constants.py").read_text())
    table = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "EnvironmentVariables"
    )
    nodes = (node for node in ast.walk(table) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str)}


def _imports(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _reads(tree: ast.Module) -> Iterator[tuple[int, str | None]]:
    for node, parents in _with_parents(tree):
        argument = _environment_argument(node)
        if argument is not None:
            yield from _names(argument, parents, tree)


def _with_parents(tree: ast.AST) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    stack: list[tuple[ast.AST, list[ast.AST]]] = [(tree, [])]
    while stack:
        node, parents = stack.pop()
        yield node, parents
        stack += [(child, [*parents, node]) for child in ast.iter_child_nodes(node)]


def _environment_argument(node: ast.AST) -> ast.expr | None:
    """The argument ``name`` of ``environ.get(name)``, ``environ[name]`` or ``getenv(name)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        asks = node.func.attr == "getenv" or (node.func.attr == "get" and _is_environment(node.func.value))
        return node.args[0] if asks else None
    if isinstance(node, ast.Subscript) and _is_environment(node.value):
        return node.slice
    return None


def _is_environment(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in ENVIRONMENT_NAMES


def _names(argument: ast.expr, parents: list[ast.AST], tree: ast.Module) -> list[tuple[int, str | None]]:
    here = argument.lineno
    if isinstance(argument, ast.Name):
        for parent in reversed(parents):
            for target, iterated in _loops(parent):
                if found := _iterated_names(argument.id, target, iterated, tree):
                    return [(here, name) for name in found]
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                position = next((i for i, one in enumerate(parent.args.args) if one.arg == argument.id), None)
                if position is not None:
                    return list(_names_of_calls(parent.name, position, tree))
    return [(here, _text(argument, tree))]


def _text(node: ast.expr | None, tree: ast.Module) -> str | None:
    """The value of a text, or of a constant of the module that is a text."""
    if isinstance(node, ast.Name):
        node = _constants(tree).get(node.id)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _loops(parent: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(parent, ast.For):
        yield parent.target, parent.iter
    for loop in getattr(parent, "generators", []):
        yield loop.target, loop.iter


def _iterated_names(name: str, target: ast.expr, iterated: ast.expr, tree: ast.Module) -> list[str]:
    """The values of ``name`` in ``for key, name in TABLE.items()`` over a dict of the module."""
    if not (isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Attribute)):
        return []
    if not isinstance(iterated.func.value, ast.Name) or not isinstance(target, ast.Tuple):
        return []
    table = _constants(tree).get(iterated.func.value.id)
    position = next(
        (i for i, one in enumerate(target.elts) if isinstance(one, ast.Name) and one.id == name), None
    )
    if not isinstance(table, ast.Dict) or iterated.func.attr != "items" or position is None:
        return []
    return [
        str(ast.literal_eval(one)) for one in ([*table.keys], [*table.values])[position] if one is not None
    ]


def _names_of_calls(function: str, position: int, tree: ast.Module) -> Iterator[tuple[int, str | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
            yield node.lineno, _text(node.args[position] if position < len(node.args) else None, tree)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    result: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            result[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            result[node.target.id] = node.value
    return result


def _called(node: ast.expr) -> str:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _function_name(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The name under which it is deployed: that of ``@bp.function_name("...")``, or its own."""
    for one in node.decorator_list:
        if isinstance(one, ast.Call) and _called(one) == "function_name":
            values = [*one.args, *(keyword.value for keyword in one.keywords)]
            if values and isinstance(values[0], ast.Constant):
                return str(values[0].value)
    return node.name
