"""Size budgets: a function is at most 80 lines, a file at most 600, in both languages."""

from tests.architecture.source_tree import files_under, python_functions, relative, solidity_functions

MAX_FUNCTION_LINES = 80
MAX_FILE_LINES = 600
MAX_SCRIPT_LINES = 80
PACKAGES = ("optimistic", "challenger", "scripts", "tests")


def test_files__python_and_solidity__stay_within_budget() -> None:
    files = files_under(*PACKAGES, suffix=".py") + files_under("solidity", suffix=".sol")

    too_long = {relative(path): n for path in files if (n := path.read_text().count("\n")) > MAX_FILE_LINES}

    assert not too_long


def test_functions__python__stay_within_budget() -> None:
    spans = [span for path in files_under(*PACKAGES, suffix=".py") for span in python_functions(path)]

    assert not [str(span) for span in spans if span.lines > MAX_FUNCTION_LINES]


def test_functions__solidity__stay_within_budget() -> None:
    spans = [span for path in files_under("solidity", suffix=".sol") for span in solidity_functions(path)]

    assert not [str(span) for span in spans if span.lines > MAX_FUNCTION_LINES]


def test_scripts__click_files__are_thin() -> None:
    files = [path for path in files_under("scripts", suffix=".py") if path.parent.name == "scripts"]

    too_long = {relative(path): n for path in files if (n := path.read_text().count("\n")) > MAX_SCRIPT_LINES}

    assert not too_long
