import pytest

from challenger.advice import ADVICE, refusal
from optimistic.service.contract import load_abi, revert_class
from optimistic.service.l1_errors import ContractReverted


@pytest.mark.parametrize("name", sorted(ADVICE))
def test_advice__each_refusal__is_one_of_a_contract(name: str) -> None:
    assert revert_class(name).name == name


def test_advice__the_game__has_some_for_each_refusal_of_a_players_call() -> None:
    internal = {"InvalidDepth", "InvalidSetup", "TransferFailed", "UnexpectedPayment", "WrongBond"}

    assert set(load_abi("DisputeGame").errors) - set(ADVICE) - internal == {"WrongSiblingCount"}


def test_refusal__known_error__says_what_to_do_instead() -> None:
    selector = load_abi("DisputeGame").errors["NotOnTurn"].selector

    assert "somebody moved before" in str(refusal(ContractReverted(selector)))


def test_refusal__window_open__names_the_assertion_that_shows_when_it_ends() -> None:
    closes_at = (1_700_000_000).to_bytes(32, "big")
    selector = load_abi("AssertionChain").errors["WindowOpen"].selector

    told = str(refusal(ContractReverted(selector + closes_at)))

    assert "closesAt=1700000000" in told
    assert "`windowEnd` of the parent" in told


def test_refusal__unknown_error__says_what_l1_said() -> None:
    told = str(refusal(ContractReverted(b"\x12\x34\x56\x78")))

    assert told.startswith("L1 would refuse it")
    assert "0x12345678" in told
