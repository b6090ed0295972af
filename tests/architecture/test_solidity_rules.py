"""Conventions of the Solidity tree that the compiler does not know."""

import json
import re

from tests.architecture.source_tree import ROOT, files_under, relative

SOURCES = files_under("solidity/src", suffix=".sol")
IMPORT = re.compile(r"^import\s.*?\"([^\"]+)\";", re.MULTILINE | re.DOTALL)
REQUIRE_STRING = re.compile(r"\b(?:require\(|revert\(\")")


def test_sources__pragma__is_the_exact_compiler_of_package_json() -> None:
    version = json.loads((ROOT / "package.json").read_text())["dependencies"]["solc"]

    loose = [relative(path) for path in SOURCES if f"pragma solidity {version};" not in path.read_text()]

    assert not loose


def test_sources__errors__are_custom() -> None:
    assert not [relative(path) for path in SOURCES if REQUIRE_STRING.search(path.read_text())]


def test_sources__l1_and_l2__do_not_import_each_other() -> None:
    crossing = [
        f"{relative(path)} imports {target}"
        for side, other in (("l1", "l2"), ("l2", "l1"), ("l2", "dispute"))
        for path in files_under(f"solidity/src/{side}", suffix=".sol")
        for target in IMPORT.findall(path.read_text())
        if f"/{other}/" in target
    ]

    assert not crossing


def test_sources__test_code__is_not_imported() -> None:
    crossing = [
        f"{relative(path)} imports {target}"
        for path in SOURCES
        for target in IMPORT.findall(path.read_text())
        if "forge-std" in target or "/test/" in target
    ]

    assert not crossing
