"""The protocol ring computes with integers only and has no way to reach the outside."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.source_tree import files_under, parse, relative

FORBIDDEN_CALLS = frozenset({"round", "float", "hash", "open", "print", "input", "eval", "exec", "id"})
FORBIDDEN_MODULES = frozenset(
    {
        "time",
        "random",
        "secrets",
        "os",
        "pathlib",
        "datetime",
        "socket",
        "threading",
        "asyncio",
        "logging",
        "math",
    }
)
FILES = files_under("optimistic/protocol", suffix=".py")


def _is_float(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _is_true_division(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)


def _is_forbidden_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS


def _is_set(node: ast.AST) -> bool:
    builds = isinstance(node, ast.Set | ast.SetComp)
    calls = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return builds or (calls and node.func.id in ("set", "frozenset"))  # type: ignore[attr-defined] # a Call of a Name


def _iterates_a_set(node: ast.AST) -> bool:
    return isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter)


def _is_forbidden_import(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in FORBIDDEN_MODULES for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_MODULES


def _is_blind_handler(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and (
        node.type is None
        or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
    )


RULES: dict[str, Callable[[ast.AST], bool]] = {
    "float literal": _is_float,
    "true division": _is_true_division,
    "forbidden call": _is_forbidden_call,
    "iteration over a set": _iterates_a_set,
    "forbidden import": _is_forbidden_import,
    "blind except": _is_blind_handler,
}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_protocol__each_module__keeps_the_purity_rules(path: Path) -> None:
    broken = [
        f"line {getattr(node, 'lineno', '?')}: {rule}"
        for node in ast.walk(parse(path))
        for rule, breaks in RULES.items()
        if breaks(node)
    ]

    assert not broken


def test_protocol__importing_it__loads_no_io_library() -> None:
    heads = [ast.unparse(node) for node in parse(FILES[0].parent / "__init__.py").body]

    assert not [head for head in heads if head.startswith(("import ", "from "))]
