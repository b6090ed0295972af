"""The world state: undo, normal form, and roots equal to those of a trie built from scratch."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.accounts import EMPTY_ACCOUNT, Account, decode_slot
from optimistic.protocol.execution.views import StateView
from optimistic.protocol.execution.world import CACHE_LIMIT, WorldState
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT, read
from optimistic.protocol.types import Address
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, Alloc, make_state
from tests.helpers.memory_nodes import MemoryNodes

ADDRESSES = (ALICE, BOB, CONTRACT)
writes = st.lists(
    st.one_of(
        st.tuples(st.just("balance"), st.sampled_from(ADDRESSES), st.integers(0, 3)),
        st.tuples(st.just("nonce"), st.sampled_from(ADDRESSES), st.integers(0, 2)),
        st.tuples(st.just("slot"), st.just(CONTRACT), st.tuples(st.integers(0, 3), st.integers(0, 2))),
        st.tuples(st.just("touch"), st.sampled_from(ADDRESSES), st.none()),
        st.tuples(st.just("warm"), st.sampled_from(ADDRESSES), st.none()),
    ),
    max_size=12,
)


def write(state: WorldState, kind: str, address: Address, value: Any) -> None:
    if kind == "balance":
        state.set_balance(address, value)
    elif kind == "nonce":
        state.set_nonce(address, value)
    elif kind == "slot":
        state.set_storage(address, *value)
    elif kind == "touch":
        state.touch_account(address)
    else:
        state.mark_address_warm(address)


def contents(state: WorldState) -> Any:
    return (
        [(state.get_balance(a), state.get_nonce(a), state.is_address_warm(a)) for a in ADDRESSES],
        [state.get_storage(CONTRACT, slot) for slot in range(4)],
        state.refund,
    )


def make_world() -> WorldState:
    nodes, root = make_state(
        {ALICE: Alloc(balance=2), CONTRACT: Alloc(nonce=1, code=b"\1", storage={0: 1, 2: 1})}
    )
    return WorldState(nodes, root)


@given(before=writes, inside=writes)
def test_revert__any_writes__restores_what_was(before: list[Any], inside: list[Any]) -> None:
    state = make_world()
    for item in before:
        write(state, *item)
    expected, snapshot = contents(state), state.snapshot()
    for item in inside:
        write(state, *item)
    state.refund += 5
    state.revert(snapshot)
    assert contents(state) == expected
    twin = make_world()
    for item in before:
        write(twin, *item)
    assert state.finish_transaction() == twin.finish_transaction()


@given(rounds=st.lists(writes, max_size=4))
def test_finish__any_writes__same_root_as_from_scratch(rounds: list[list[Any]]) -> None:
    state = make_world()
    for items in rounds:
        for item in items:
            write(state, *item)
        root = state.finish_transaction()
        alloc = {}
        for address in ADDRESSES:
            code = state.get_code(address)
            slots = {slot: value for slot in range(4) if (value := state.get_storage(address, slot))}
            given_ = Alloc(
                balance=state.get_balance(address), nonce=state.get_nonce(address), code=code, storage=slots
            )
            if given_.balance or given_.nonce or given_.code:
                alloc[address] = given_
        assert make_state(alloc)[1] == root


def test_finish__destroyed_account__is_gone_with_its_storage() -> None:
    state = make_world()
    state.set_storage(CONTRACT, 1, 9)
    state.mark_destroyed(CONTRACT)
    root = state.finish_transaction()
    assert root == make_state({ALICE: Alloc(balance=2)})[1]
    assert state.get_storage(CONTRACT, 0) == 0
    state.set_nonce(CONTRACT, 1)
    state.set_storage(CONTRACT, 1, 9)
    assert (
        state.finish_transaction()
        == make_state({ALICE: Alloc(balance=2), CONTRACT: Alloc(nonce=1, storage={1: 9})})[1]
    )


def test_finish__touched_empty_account__is_deleted() -> None:
    nodes, root = make_state({ALICE: Alloc(balance=2), BOB: Alloc()})
    state = WorldState(nodes, root)
    state.touch_account(BOB)
    assert state.finish_transaction() == make_state({ALICE: Alloc(balance=2)})[1]


def test_discard__after_writes__root_and_reads_are_unchanged() -> None:
    state = make_world()
    root = state.state_root
    state.set_balance(ALICE, 50)
    state.set_code(BOB, b"code")
    state.discard_transaction()
    assert state.get_balance(ALICE) == 2
    assert state.get_code(BOB) == b""
    assert state.finish_transaction() == root


def test_original_value__is_that_of_the_transaction_start() -> None:
    state = make_world()
    state.set_storage(CONTRACT, 0, 5)
    state.set_storage(CONTRACT, 0, 6)
    assert state.get_storage(CONTRACT, 0, from_journal=False) == 1
    state.finish_transaction()
    assert state.get_storage(CONTRACT, 0, from_journal=False) == 6


def test_flush__hands_over_nodes_and_kept_code_only() -> None:
    state = WorldState(MemoryNodes(), EMPTY_ROOT)
    snapshot = state.snapshot()
    state.set_code(BOB, b"reverted")
    state.revert(snapshot)
    state.set_code(ALICE, b"kept")
    root = state.finish_transaction()
    store = MemoryNodes()
    state.flush(store)
    assert StateView(store, root).code(ALICE) == b"kept"
    assert b"reverted" not in store.values()


def test_trim__after_many_reads__reads_the_same_again() -> None:
    state = make_world()
    state.get_storage(CONTRACT, 0)
    state._loaded = CACHE_LIMIT + 1
    state.trim()
    assert state.get_storage(CONTRACT, 0) == 1
    assert state.get_code(CONTRACT) == b"\1"


def test_view__proofs__verify() -> None:
    nodes, root = make_state({ALICE: Alloc(balance=2), CONTRACT: Alloc(nonce=1, storage={0: 1, 2: 1})})
    proof = StateView(nodes, root).prove(CONTRACT, (0, 1))
    raw = read(root, keccak256(CONTRACT), proof.proof)
    assert raw is not None
    assert Account.decode(raw) == proof.account
    present, absent = proof.slots
    value = read(proof.account.storage_root, keccak256(bytes(32)), present.proof)
    assert value is not None
    assert decode_slot(value) == present.value == 1
    assert read(proof.account.storage_root, keccak256((1).to_bytes(32, "big")), absent.proof) is None
    assert StateView(nodes, root).prove(BOB).account == EMPTY_ACCOUNT
