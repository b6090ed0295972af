"""Jump destinations: equal to a plain scan, and found once however many contracts take turns."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.engine import Outcome
from optimistic.protocol.execution import EvmEngine, world
from optimistic.protocol.execution.jumps import JumpTable, jump_table
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import Address
from tests.helpers.evm_world import ALICE, CONTRACT, ETHER, PLENTY, Alloc, make_env, make_state, sign_tx

TARGETS = 8
FIRST_TARGET = 0xAA << 152

pieces = st.one_of(
    st.binary(max_size=40),
    st.sampled_from((b"\x5b", b"\x60\x5b", b"\x60", b"\x7f" + b"\x5b" * 32, b"\x7f", b"\x61\x00\x5b\x5b")),
    st.builds(lambda unit, n: unit * n, st.binary(min_size=1, max_size=3), st.integers(1, 80)),
)


def scanned(code: bytes) -> list[int]:
    """Return the jump destinations by the definition."""
    found, position = [], 0
    while position < len(code):
        opcode = code[position]
        if opcode == 0x5B:
            found.append(position)
        position += opcode - 0x5E if 0x60 <= opcode <= 0x7F else 1
    return found


@given(st.lists(pieces, max_size=12).map(b"".join))
def test_jump_table__any_code__equals_a_scan(code: bytes) -> None:
    table = JumpTable(code)
    assert [target for target in range(len(code) + 40) if table.find(target)] == scanned(code)
    assert [target for target, known in enumerate(table.known) if known] == scanned(code)


def caller_in_turn(n_calls: int) -> bytes:
    """Code that calls `n_calls` times, target after target."""
    code = b""
    for number in range(n_calls):
        target = (FIRST_TARGET + number % TARGETS).to_bytes(20, "big")
        code += b"\x5f\x5f\x5f\x5f\x73" + target + b"\x5a\xfa\x50"
    return code


def test_attack__more_contracts_than_a_cache_holds_take_turns__each_is_scanned_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A shared cache of 1,024 tables was emptied by 1,100 warm contracts called in turn: 2 ms for 130 gas.
    scans: list[bytes] = []

    def counted(code: bytes) -> JumpTable:
        scans.append(code)
        return jump_table.__wrapped__(code)

    monkeypatch.setattr(world, "jump_table", counted)
    alloc = {ALICE: Alloc(balance=ETHER), CONTRACT: Alloc(nonce=1, code=caller_in_turn(5 * TARGETS))}
    for number in range(TARGETS):
        address = Address((FIRST_TARGET + number).to_bytes(20, "big"))
        alloc[address] = Alloc(nonce=1, code=b"\x60\x04\x56" + bytes([number]) + b"\x5b\x00")
    engine = EvmEngine(DEVNET, *make_state(alloc))
    engine.begin_block(make_env())
    apply = partial(engine.apply_transaction, left=PLENTY)
    outcomes = [apply(sign_tx(nonce=nonce, to=CONTRACT, gas=200_000)) for nonce in range(2)]
    assert all(isinstance(outcome, Outcome) and outcome.status == 1 for outcome in outcomes)
    assert len(scans) == TARGETS


def test_attack__code_deployed_without_end__counts_towards_the_cache_limit() -> None:
    state = world.WorldState(*make_state({CONTRACT: Alloc(nonce=1)}))
    for number in range(4):
        state.set_code(CONTRACT, number.to_bytes(24_576, "big"))
    assert state._loaded >= 4 * 24_576 // 128
    state._loaded = world.CACHE_LIMIT + 1
    state.finish_transaction()
    assert state._loaded == 0
    assert state.get_code(CONTRACT) == (3).to_bytes(24_576, "big")
