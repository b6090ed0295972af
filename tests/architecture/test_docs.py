"""The docs point at things that exist and use the words of the glossary."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, files_under, project_files, relative

PAGES = [path for path in project_files() if path.suffix == ".md"]
LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)(?:#[^)]*)?\)")
DOC_PATH = re.compile(r"docs/[\w./-]+\.md")
CITATION = re.compile(r"INV-\d+")
FOREIGN_CITATION = re.compile(r"\bOSP\b|\b(?:RT|DG|SN|CB) §|\bprotocol(?:\.md)? §|\bengines §|design note")
REPLACED_WORDS = ("proposer", "output root", "op-challenger")
REQUIRED_WORDS = (
    *(
        "sequencer",
        "batcher",
        "asserter",
        "challenger",
        "deriver",
        "unsafe head",
        "safe head",
        "finalized head",
    ),
    *("batch", "unit", "step", "trace", "assertion", "rival", "commitment tree", "bond", "stake", "verdict"),
)
OPTION = re.compile(r"`(--[a-z][a-z0-9-]*[a-z0-9])[`, ]")
README_LINES = 120


def _glossary_words() -> list[str]:
    rows = [line for line in (ROOT / "docs/glossary.md").read_text().splitlines() if line.startswith("| ")]
    cells = [row.split("|")[1].strip() for row in rows]
    return [
        word.strip().removesuffix(")")
        for cell in cells
        if cell != "word"
        for word in re.split(r",| \(", cell)
    ]


def test_glossary__each_word__has_one_entry() -> None:
    counts = Counter(_glossary_words())

    assert not [word for word, count in counts.items() if count > 1]


@pytest.mark.parametrize("word", REQUIRED_WORDS)
def test_glossary__words_of_the_protocol__are_explained(word: str) -> None:
    assert word in _glossary_words()


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_page__relative_links__lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text())

    assert not [target for target in targets if not (page.parent / target).exists()]


def test_code__cited_pages__exist() -> None:
    code = files_under("optimistic", "challenger", "scripts", "tests", suffix=".py")
    code += files_under("solidity", suffix=".sol")
    cited = {(relative(path), page) for path in code for page in DOC_PATH.findall(path.read_text())}

    assert not [(place, page) for place, page in sorted(cited) if not (ROOT / page).exists()]


def test_code__cited_invariants__are_listed() -> None:
    listed = set(CITATION.findall((ROOT / "docs/invariants.md").read_text()))
    cited = {
        (relative(path), number)
        for path in project_files()
        if path.suffix in (".py", ".sol", ".md")
        for number in CITATION.findall(path.read_text())
    }

    assert not [(place, number) for place, number in sorted(cited) if number not in listed]


def test_tree__citations__name_only_documents_of_the_project() -> None:
    texts = [path for path in project_files() if path.suffix in (".py", ".sol", ".md", ".toml")]

    assert not [
        relative(path)
        for path in texts
        if path != Path(__file__) and FOREIGN_CITATION.search(path.read_text())
    ]


def test_pages__replaced_words__are_not_used() -> None:
    pages = [page for page in PAGES if page.name != "glossary.md"]

    assert not [
        (relative(page), word) for page in pages for word in REPLACED_WORDS if word in page.read_text()
    ]


def test_readme__length__is_within_budget() -> None:
    assert (ROOT / "README.md").read_text().count("\n") <= README_LINES


@pytest.mark.parametrize("name", ["README.md", "docs/runbook.md", "docs/json-rpc.md", "docs/architecture.md"])
def test_page__options_it_names__exist(name: str) -> None:
    known = set(OPTION.findall((ROOT / "docs/cli.md").read_text())) | {"--help"}

    assert not set(OPTION.findall((ROOT / name).read_text())) - known


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_page__make_targets_it_names__exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert not set(re.findall(r"`make ([a-z]+)", page.read_text())) - targets
