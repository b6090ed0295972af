"""Every forge test is one pytest item, so the closing line counts it."""

import pytest

from tests.contracts.forge_report import PASSED, ForgeTest, load_report

REPORT = load_report()


def test_forge__suite__builds_and_runs() -> None:
    assert REPORT.tests
    assert not REPORT.error


@pytest.mark.parametrize("forge_test", REPORT.tests, ids=lambda forge_test: forge_test.id)
def test_forge__each_test__passes(forge_test: ForgeTest) -> None:
    assert forge_test.status == PASSED, forge_test.reason
