"""The engine on random units: it never raises, and what it caches never shows."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.engine import Outcome, Skip
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import Deposit
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_ADDRESS, Address
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, PLENTY, Alloc, make_env, make_state, sign_tx

STORE = bytes.fromhex("5f35602035555f355460015500")
"""sstore(calldata[0x20], calldata[0]); sstore(1, sload(calldata[0]))."""
DEPLOY_STORE = bytes.fromhex("600d600c600039600d6000f3") + STORE
DESTROY = bytes.fromhex("6001600155" + "33ff")
TARGETS = (
    ALICE,
    BOB,
    CONTRACT,
    create_address(ALICE, 0),
    create_address(BOB, 0),
    Address(b"\x42" + bytes(18) + b"\x16"),
)

words = st.integers(0, 3).map(lambda value: value.to_bytes(32, "big"))
payloads = st.one_of(
    st.binary(max_size=40), st.tuples(words, words).map(b"".join), st.sampled_from((DEPLOY_STORE, DESTROY))
)


@st.composite
def units(draw: st.DrawFn) -> tuple[str, Any]:
    to = draw(st.one_of(st.none(), st.sampled_from(TARGETS)))
    data = draw(payloads)
    value = draw(st.sampled_from((0, 0, 1, 2 * ETHER)))
    gas = draw(st.sampled_from((21_000, 60_000, 400_000)))
    kind = draw(st.sampled_from(("tx", "tx", "deposit", "raw")))
    if kind == "raw":
        return kind, draw(st.binary(max_size=60))
    if kind == "deposit":
        sender = draw(st.sampled_from((BOB, CONTRACT, ALICE)))
        mint = draw(st.sampled_from((0, 5)))
        return kind, Deposit(
            sender=sender,
            is_create=to is None,
            to=to or ZERO_ADDRESS,
            mint=mint,
            value=value,
            gas_limit=gas,
            data=data,
            l1_timestamp=1,
        )
    fee = draw(st.sampled_from((0, 3)))
    return kind, {
        "to": to,
        "data": data,
        "value": value,
        "gas": gas,
        "maxFeePerGas": fee,
        "maxPriorityFeePerGas": fee,
    }


def run(engine: EvmEngine, index: int, kind: str, item: Any) -> Outcome | Skip:
    if kind == "deposit":
        return engine.apply_deposit(index, item)
    raw = item if kind == "raw" else sign_tx(**item, nonce=engine.account(ALICE).nonce)
    return engine.apply_transaction(raw, PLENTY)


@given(items=st.lists(units(), max_size=8))
def test_engine__random_units__equal_those_of_cold_engines(items: list[tuple[str, Any]]) -> None:
    contract = Alloc(nonce=1, balance=3, code=STORE, storage={0: 1})
    nodes, root = make_state({ALICE: Alloc(balance=ETHER), CONTRACT: contract})
    warm = EvmEngine(DEVNET, nodes, root)
    warm.begin_block(make_env())
    for index, (kind, item) in enumerate(items):
        cold = EvmEngine(DEVNET, nodes, warm.state_root)
        cold.begin_block(make_env())
        expected = run(cold, index, kind, item)
        assert run(warm, index, kind, item) == expected
        assert warm.state_root == cold.state_root
        warm.flush()
        if isinstance(expected, Outcome):
            assert expected.state_root == warm.state_root
            assert 0 <= expected.execution_gas <= expected.gas_used
