"""Logs that do not follow from those before them, or that say nothing about settlement."""

import pytest

from optimistic.protocol.constants import CLEARING, LEDGER, MARKETS
from optimistic.protocol.engine import Log
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.settlement.events import MissingLogs, apply, rebuild
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import SubaccountId
from optimistic.protocol.types import Address, Hash32

OWNER = Address(b"\x11" * 20)
OPENED = "SubaccountOpened(uint64,address,uint8)"


def log(contract: Address, signature: str, topics: list[int | bytes], *data: int | bytes) -> Log:
    """A log of a contract."""
    words = [Hash32(abi_words(topic)) for topic in topics]
    return Log(address=contract, topics=(keccak256(signature.encode()), *words), data=abi_words(*data))


def test_rebuild__subaccount_and_cash__is_the_state() -> None:
    logs = [
        log(LEDGER, OPENED, [16, OWNER], 0),
        log(LEDGER, "CashMoved(uint64,uint64,int256,uint8)", [1, 16], 500, 0),
        log(LEDGER, "CashChanged(uint64,int256)", [16], (1 << 256) - 7),
    ]
    state = rebuild((9, entry) for entry in logs)

    assert (state.subaccounts[SubaccountId(16)].owner, state.subaccounts[SubaccountId(16)].cash_wad) == (
        OWNER,
        -7,
    )
    assert (state.next_subaccount, state.subaccounts[SubaccountId(1)].cash_wad, state.now_s) == (17, -500, 9)


@pytest.mark.parametrize(
    "entry",
    [
        log(LEDGER, "CashChanged(uint64,int256)", [99], 1),
        log(LEDGER, "CashChanged(uint64,int256)", [1]),
        log(LEDGER, "PositionChanged(uint64,uint32,int256,int256)", [99, 1], 1, 1),
        log(LEDGER, "OpenInterestChanged(uint32,int256)", [1], 1),
        log(MARKETS, "StatusChanged(uint32,uint8)", [1], 1),
        log(MARKETS, "MarketListed(uint32,(uint32,uint8,uint64,uint128,uint128))", [1], 1, 9, 0, 1, 1),
    ],
)
def test_apply__log_out_of_nowhere__is_refused(entry: Log) -> None:
    with pytest.raises(MissingLogs):
        apply(State(), entry)


@pytest.mark.parametrize(
    "entry",
    [
        Log(address=LEDGER, topics=(), data=b""),
        log(CLEARING, OPENED, [16, OWNER], 0),
        log(LEDGER, "Unheard(uint256)", [], 1),
        log(CLEARING, "BatchSettled(bytes32,uint256,uint256)", [b"\x01" * 32], 1, 2),
    ],
)
def test_apply__log_of_others__changes_nothing(entry: Log) -> None:
    state = State()
    apply(state, entry)

    assert state == State()
