"""Every module, class and function of the protocol says what it is."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source_tree import files_under, parse, relative

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _undocumented(path: Path) -> list[str]:
    module = parse(path)
    bodies: list[ast.Module | ast.ClassDef] = [
        module,
        *(n for n in module.body if isinstance(n, ast.ClassDef)),
    ]
    definitions = [node for body in bodies for node in body.body if isinstance(node, Definition)]
    missing = [f"{node.lineno} {node.name}" for node in definitions if _needs_one(node)]
    return missing if ast.get_docstring(module) else ["module", *missing]


def _needs_one(node: Definition) -> bool:
    magic = node.name.startswith("__") and node.name.endswith("__")
    return not magic and not ast.get_docstring(node)


@pytest.mark.parametrize("path", files_under("optimistic/protocol", suffix=".py"), ids=relative)
def test_protocol__each_definition__has_a_docstring(path: Path) -> None:
    assert not _undocumented(path)
