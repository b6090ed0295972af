"""Replay on hand-made batches: the real engine, no L1."""

from dataclasses import replace

import pytest

from challenger.model import BatchHead
from challenger.store import Store
from challenger.verifier import Verifier
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.derivation import BatchReplay, RollupState, UnitResult
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import Hash32
from optimistic.service.storage_errors import CorruptStorage
from optimistic.service.unit_inputs import BatchInput
from tests.helpers.l2_wallet import Wallet
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.rollup import BRIDGE, L1_TIME_S, make_deposit, make_genesis, make_record
from tests.unit.challenger.views import ident

GENESIS = make_genesis()
GARBAGE = (b"", b"\x00", b"\x01\x02", b"\xff" * 100, b"\x01\x01" + bytes(3), b"\x01" + bytes(64))


class ToyL1:
    """Batches in a list; every one follows the state of an own replay."""

    def __init__(self) -> None:
        self.inputs: list[BatchInput] = []
        self.heads: list[BatchHead] = []
        self.leaves: list[tuple[Hash32, ...]] = []
        self._nodes = MemoryNodes(GENESIS.nodes)
        self._state: RollupState = GENESIS.state

    def append(self, data: bytes, *, deposits: int = 0, **changes: object) -> None:
        taken = tuple(make_deposit(sender=Wallet(1).address, to=Wallet(1).address) for _ in range(deposits))
        record = make_record(
            self._state, data, deposits, l1_timestamp=L1_TIME_S + len(self.inputs), **changes
        )
        engine = EvmEngine(DEVNET, self._nodes, self._state.unit.state_root)
        replay = BatchReplay(DEVNET, self._state, record, data, taken, engine)
        self.leaves.append(tuple(unit.leaf for unit in replay))
        engine.flush()
        self._state = replay.state
        before = self.heads[-1].input_hash if self.heads else GENESIS.end_leaf
        self.inputs.append(BatchInput(record=record, data=data, deposits=taken))
        self.heads.append(
            BatchHead(
                index=len(self.heads),
                acc=ident(f"acc {len(self.heads)}"),
                input_hash=keccak256(before + record.hash()),
                l1_timestamp=record.l1_timestamp,
                is_forced=False,
            )
        )

    def batch(self, index: int) -> BatchInput:
        return self.inputs[index]


def block_of(*transactions: bytes, deposits: int = 0) -> bytes:
    return encode_batch([BlockInput(timestamp=L1_TIME_S, n_deposits=deposits, transactions=transactions)])


@pytest.fixture
def l1() -> ToyL1:
    wallet, chain = Wallet(1), ToyL1()
    chain.append(block_of(wallet.transfer(BRIDGE), wallet.transfer(BRIDGE), deposits=1), deposits=1)
    chain.append(block_of(b"not a transaction", wallet.transfer(BRIDGE, nonce=77), wallet.transfer(BRIDGE)))
    chain.append(b"\xff\xff")
    return chain


def make_verifier(store: Store) -> Verifier:
    return Verifier(DEVNET, GENESIS.state, store, MemoryNodes(GENESIS.nodes))


def test_verifier__all_batches__commits_to_the_same_tree(l1: ToyL1, store: Store) -> None:
    verifier = make_verifier(store)
    verifier.follow(l1.heads)

    done = verifier.advance(l1, 10)

    trace = verifier.trace(0, 3)
    assert (done, verifier.n_replayed) == (3, 3)
    assert trace is not None
    assert trace.unit_root == UnitTree(5, l1.leaves).unit_root
    assert verifier.end_leaf(2) == l1.leaves[1][-1]


@pytest.mark.parametrize("data", GARBAGE)
def test_verifier__garbage_batch__is_replayed_like_any_other(store: Store, data: bytes) -> None:
    chain = ToyL1()
    chain.append(data)
    verifier = make_verifier(store)
    verifier.follow(chain.heads)

    verifier.advance(chain, 1)

    assert store.leaves(chain.heads[0].input_hash) == chain.leaves[0]


def test_verifier__piece_by_piece_and_restarted__gives_the_same(l1: ToyL1, store: Store) -> None:
    nodes = MemoryNodes(GENESIS.nodes)
    for _ in l1.heads:
        verifier = Verifier(DEVNET, GENESIS.state, store, nodes)
        verifier.follow(l1.heads)
        assert verifier.advance(l1, 1) == 1

    trace = verifier.trace(1, 3)

    assert trace is not None
    assert trace.unit_root == UnitTree(5, l1.leaves[1:]).unit_root


def test_verifier__another_branch__resumes_at_the_fork(l1: ToyL1, store: Store) -> None:
    verifier = make_verifier(store)
    verifier.follow(l1.heads)
    verifier.advance(l1, 3)
    fork = [*l1.heads[:2], replace(l1.heads[2], input_hash=ident("another batch"))]

    verifier.follow(fork)

    assert verifier.n_replayed == 2
    assert verifier.trace(0, 3) is None
    assert verifier.end_leaf(3) is None
    assert verifier.end_leaf(4) is None


def test_verifier__unknown_configuration__stops_there_and_says_why(l1: ToyL1, store: Store) -> None:
    odd = l1.inputs[1]
    l1.inputs[1] = replace(odd, record=replace(odd.record, config_hash=ident("new rules")))
    verifier = make_verifier(store)
    verifier.follow(l1.heads)

    done = verifier.advance(l1, 10)

    assert (done, verifier.n_replayed) == (1, 1)
    assert verifier.problem is not None


def test_verifier__replay__shows_every_unit(l1: ToyL1, store: Store) -> None:
    verifier = make_verifier(store)
    verifier.follow(l1.heads)
    seen: list[UnitResult] = []

    result = verifier.replay(0, l1.batch(0), seen.append)

    assert tuple(unit.leaf for unit in seen) == result.leaves == l1.leaves[0]


def test_verifier__states_thinned_out__rebuilds_the_one_asked_for(l1: ToyL1, store: Store) -> None:
    verifier = make_verifier(store)
    verifier.follow(l1.heads)
    verifier.advance(l1, 3)
    store.database.execute("UPDATE replayed_batch SET unit = NULL, ring = NULL WHERE batch_index < 2")

    state = verifier.rebuild_state(l1, 2)

    assert state.unit.hash() == verifier.state_before(2).unit.hash()
    store.database.execute("UPDATE replayed_batch SET unit = NULL, ring = NULL")
    with pytest.raises(CorruptStorage):
        verifier.state_before(2)


def test_verifier__damaged_leaves__are_not_used(l1: ToyL1, store: Store) -> None:
    verifier = make_verifier(store)
    verifier.follow(l1.heads)
    verifier.advance(l1, 3)
    store.database.execute("UPDATE replayed_batch SET leaves = zeroblob(64)")
    trace = verifier.trace(0, 1)
    assert trace is not None

    with pytest.raises(CorruptStorage):
        trace.node(0, 0)


def test_verifier__restart__begins_at_genesis(l1: ToyL1, store: Store) -> None:
    verifier = make_verifier(store)
    verifier.follow(l1.heads)
    verifier.advance(l1, 3)

    verifier.restart()

    assert verifier.n_replayed == 0
    assert verifier.advance(l1, 3) == 3


def test_verifier__snapshot__is_where_the_replay_starts(l1: ToyL1, store: Store) -> None:
    full = make_verifier(Store.open(None))
    full.follow(l1.heads)
    full.advance(l1, 3)
    store.put_state(1, l1.heads[1].input_hash, full.state_before(2))
    verifier = make_verifier(store)

    verifier.follow(l1.heads)

    assert (verifier.start, verifier.n_replayed) == (2, 2)
    assert verifier.trace(0, 2) is None
    assert verifier.end_leaf(2) == l1.leaves[1][-1]
