"""Words that must not be in the tree: unfinished work, hosts of package registries, paths of one machine."""

import re
from pathlib import Path

from tests.architecture.source_tree import ROOT, files_under, project_files, relative

# The marks are put together here so that this file does not contain them.
UNFINISHED = re.compile(
    "|".join(
        (
            r"\bTO" + r"DO\b",
            r"\bFIX" + r"ME\b",
            r"\bXX" + r"X\b",
            "NotImplemented" + "Error",
            r"assert " + r"True\b",
            r"assertTrue\(" + r"true\)",
            r"pytest\.mark\.(sk" + "ip|xf" + "ail)",
            r"vm\.sk" + r"ip\(",
        )
    )
)
MACHINE_PATH = re.compile(r"(?<![\w.}$-])/(?:home|root|Users|work|opt)/[\w.]")
URL_HOST = re.compile(r"(?:https?|wss?)://([A-Za-z0-9.-]+)")
KNOWN_HOSTS = frozenset(
    {
        "127.0.0.1",
        "localhost",
        "eips.ethereum.org",
        "keepachangelog.com",
        "semver.org",
        "json-schema.org",
    }
)
EXAMPLE_SUFFIXES = ("example", "example.org", "example.com", "invalid", "test")
VAGUE_MODULES = frozenset({"utils.py", "util.py", "helpers.py", "common.py", "misc.py"})
TEXT = frozenset({".py", ".pyi", ".sol", ".md", ".toml", ".json", ".txt", ".sql", "", ".js"})


def _is_known(host: str) -> bool:
    return "." not in host or host in KNOWN_HOSTS or host.endswith(EXAMPLE_SUFFIXES)


def _text_files() -> list[Path]:
    generated = (ROOT / "optimistic" / "artifacts", ROOT / "tests" / "vectors")
    return [
        path
        for path in project_files()
        if path.suffix in TEXT and not any(path.is_relative_to(folder) for folder in generated)
    ]


def _found(pattern: re.Pattern[str], paths: list[Path]) -> list[tuple[str, str]]:
    return [
        (f"{relative(path)}:{number}", match)
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        for match in pattern.findall(line)
    ]


def test_source__python_and_solidity__has_no_unfinished_work() -> None:
    code = files_under("optimistic", "challenger", "scripts", "tests", "stubs", suffix=".py")
    code += files_under("solidity", suffix=".sol")

    assert not _found(UNFINISHED, code)


def test_tree__every_text_file__names_only_known_hosts() -> None:
    named = _found(URL_HOST, _text_files())

    assert not [(place, host) for place, host in named if not _is_known(host)]


def test_tree__every_text_file__has_no_machine_path() -> None:
    assert not _found(MACHINE_PATH, _text_files())


def test_packages__module_names__say_what_is_inside() -> None:
    modules = files_under("optimistic", "challenger", suffix=".py")

    assert not [relative(path) for path in modules if path.name in VAGUE_MODULES]
