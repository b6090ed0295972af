"""The files of the project as the architecture tests see them: what the project owns, nothing installed."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("optimistic", "challenger", "scripts", "tests", "solidity", "docs", "spec", "stubs", ".ci")
ROOT_FILES = (
    "*.md",
    "*.toml",
    "*.json",
    "*.txt",
    "Makefile",
    "LICENSE",
    ".npmrc",
    ".gitignore",
    ".gitattributes",
)
SOLIDITY_FUNCTION = re.compile(r"^ *(?:function\s+\w+|constructor|modifier\s+\w+|receive|fallback)\s*[({]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A function and how many lines it takes."""

    path: Path
    line: int
    name: str
    lines: int

    def __str__(self) -> str:
        return f"{relative(self.path)}:{self.line} {self.name} ({self.lines} lines)"


def relative(path: Path) -> str:
    """The path as written in docs."""
    return path.relative_to(ROOT).as_posix()


@cache
def project_files() -> tuple[Path, ...]:
    """Every file the project owns, sorted."""
    found = {path for pattern in ROOT_FILES for path in ROOT.glob(pattern)}
    for folder in FOLDERS:
        found.update(path for path in (ROOT / folder).rglob("*") if path.is_file())
    return tuple(sorted(path for path in found if "__pycache__" not in path.parts and path.suffix != ".pyc"))


def files_under(*folders: str, suffix: str) -> list[Path]:
    """Files with a suffix under some folders of the project."""
    roots = [ROOT / folder for folder in folders]
    return [
        path
        for path in project_files()
        if path.suffix == suffix and any(path.is_relative_to(root) for root in roots)
    ]


@cache
def parse(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(), filename=str(path))


def python_functions(path: Path) -> Iterator[Span]:
    """Functions and methods of a Python file, nested ones included."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            yield Span(path=path, line=node.lineno, name=node.name, lines=last - node.lineno + 1)


def solidity_functions(path: Path) -> Iterator[Span]:
    """Functions with a body of a formatted Solidity file: from the head to the brace at the same indent."""
    lines = path.read_text().splitlines()
    for start, line in enumerate(lines):
        if not SOLIDITY_FUNCTION.match(line) or line.rstrip().endswith(("}", ";")):
            continue
        closing = line[: len(line) - len(line.lstrip())] + "}"
        end = next((i for i in range(start + 1, len(lines)) if lines[i].rstrip() == closing), start)
        yield Span(path=path, line=start + 1, name=line.strip().split("(")[0], lines=end - start + 1)
