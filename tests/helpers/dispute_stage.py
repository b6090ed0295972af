"""A small made-up computation, lies about it, and the rules of the game to let them meet.

Both sides' trees are known here, so that any move of anybody can be made. What the machine does in a
step is a table: every state that a right trace does not pass through leads to a state of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from optimistic.protocol.commitment import Tree, UnitTree
from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DivergenceProof,
    DuelKey,
    GameAction,
    Move,
    Open,
    ProveStep,
    Reveal,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.chain import AssertionChain, Call, Claimed
from optimistic.protocol.dispute.ids import Side, commitment_id, dispute_id
from optimistic.protocol.dispute.proofs import (
    Inside,
    LiftedTree,
    first_difference,
    inside,
    prove_divergence,
    prove_roots,
    reveal,
)
from optimistic.protocol.dispute.purse import CreditGas
from optimistic.protocol.dispute.rules import DisputeGame, Verifier
from optimistic.protocol.dispute.traces import Terms
from optimistic.protocol.dispute.views import Divergence, DuelView
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Address, Hash32
from scripts.staging.lies import Fault, StepLie, lying_steps, lying_units

GENESIS: Final = keccak256(b"genesis")
GENESIS_END: Final = keccak256(b"genesis end leaf")
ACCS: Final = tuple(keccak256(b"acc %d" % index) for index in range(3))
"""After each batch; every assertion covers one."""
START_TIME: Final = 1_000_000
GWEI: Final = 10**9
ETHER: Final = 10**18
CREDIT_GAS: Final = CreditGas(open=100_000, move=80_000, commit=90_000, step=500_000)
STEPS: Final = (1, 2, 7, 40, 3, 5)
"""How many steps the units of the one batch have."""


def account(name: str) -> Address:
    return Address(keccak256(name.encode())[:20])


@dataclass(frozen=True, slots=True)
class Computation:
    """The right states: of the units of one batch, and of the steps of each unit."""

    log_arity: int
    counts: tuple[int, ...] = STEPS

    def leaf(self, j: int) -> Hash32:
        """State after unit `j`; behind the last unit nothing changes."""
        return keccak256(b"unit %d" % min(j, len(self.counts) - 1)) if j >= 0 else GENESIS_END

    def leaves(self) -> list[Hash32]:
        return [self.leaf(j) for j in range(len(self.counts))]

    def states(self, j: int) -> list[Hash32]:
        """States after the steps of unit `j`."""
        count = self.counts[j] if j < len(self.counts) else 1
        return [keccak256(b"unit %d step %d" % (j, v)) for v in range(count - 1)] + [self.leaf(j)]

    def units(self) -> Tree:
        return _units(self)

    def trace(self, j: int, depth: int = 1) -> Tree:
        return _trace(self, j, depth)

    def steps(self, j: int) -> Tree:
        """The trace of least height: with `units` and `witness` all an honest player must know."""
        return self.trace(j)

    def witness(self, j: int, v: int) -> bytes:
        return b""

    def step(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> Hash32:
        """What the one-step verifier says."""
        states = self.states(j)
        before = self.leaf(j - 1) if v == 0 else states[min(v, len(states)) - 1]
        if pre == before:
            return states[min(v, len(states) - 1)]
        return keccak256(abi_words(pre, j, v, acc))


@cache
def _units(right: Computation) -> Tree:
    return UnitTree(right.log_arity, [right.leaves()])


@cache
def _trace(right: Computation, j: int, depth: int) -> Tree:
    return TraceTree(right.log_arity, right.states(j), depth)


class ToyInbox:
    """A few batches under one configuration."""

    def __init__(self, step: Verifier, accs: Sequence[Hash32]) -> None:
        self.step = step
        self._accs = accs

    def acc(self, index: int) -> Hash32:
        return self._accs[index]

    def verifier(self, config: int) -> Verifier:
        assert config == 0
        return self.step


@dataclass
class Stage:
    """The game, its clock, and every tree that somebody has committed to."""

    log_arity: int = 5
    period_s: int = 1_000
    airgap_s: int = 100
    stake_wei: int = 2 * ETHER
    bond_wei: int = ETHER // 5
    now: int = START_TIME
    price_wei: int = 10 * GWEI
    genesis: Hash32 = GENESIS
    accs: Sequence[Hash32] = ACCS
    gas: CreditGas = CREDIT_GAS
    trees: dict[Hash32, Tree] = field(default_factory=dict)
    """Of assertions and of commitments."""

    def __post_init__(self) -> None:
        self.right = Computation(self.log_arity)
        self.chain = AssertionChain(
            genesis=self.genesis,
            genesis_end_leaf=GENESIS_END,
            period_s=self.period_s,
            airgap_s=self.airgap_s,
            stake_wei=self.stake_wei,
        )
        self.inbox = ToyInbox(self.right.step, self.accs)
        terms = Terms(log_arity=self.log_arity, challenge_period_s=self.period_s, bond_wei=self.bond_wei)
        self.game = DisputeGame(terms=terms, credit_gas=self.gas, chain=self.chain, inbox=self.inbox)
        self.height = 25 // self.log_arity

    # ------------------------------------------------------------------------------ assertions

    def lie(self, fault: Fault) -> Tree:
        return lying_units(self.log_arity, [self.right.leaves()], fault)

    def call(self, sender: str, value_wei: int = 0) -> Call:
        return Call(sender=account(sender), now=self.now, value_wei=value_wei, price_wei=self.price_wei)

    def claimed(self, tree: Tree, parent: Hash32) -> Claimed:
        """What an assertion of a unit tree says."""
        root, batch = tree.root, self.chain.get(parent).to
        return Claimed(
            parent=parent,
            acc=self.accs[batch],
            to=batch + 1,
            unit_root=root.hash,
            end_leaf=root.end_state,
        )

    def post(self, poster: str, tree: Tree, parent: Hash32 | None = None) -> Hash32:
        """Assert a unit tree."""
        claimed = self.claimed(tree, self.genesis if parent is None else parent)
        value = 0 if self.chain.has_stake(account(poster)) else self.stake_wei
        id_ = self.chain.assert_batches(self.call(poster, value), claimed)
        self.trees[id_] = tree
        return id_

    # ------------------------------------------------------------------------------------ moves

    def play(self, sender: str, action: GameAction, value_wei: int = 0) -> int:
        return self.game.play(self.call(sender, value_wei), action)

    def opening(self, older: Hash32, newer: Hash32, level: int | None = None) -> Open:
        """Open at a level; at the top if none is given."""
        level = self.height if level is None else level
        trees = self.trees[older], self.trees[newer]
        if level == self.height:
            proof = prove_roots((trees[0].root.hash, trees[1].root.hash))
        else:
            proof = self.proof(trees, self.height, 0, self.height - level)
        revealed = reveal(trees[1], level, proof.index) if level else None
        return Open(reason="", older=older, newer=newer, level=level, proof=proof, reveal=revealed)

    def proof(self, trees: tuple[Tree, Tree], level: int, index: int, depth: int) -> DivergenceProof:
        """Prove the first difference `depth` levels below two nodes."""
        way: list[Inside] = []
        for above in range(level, level - depth, -1):
            way.append(inside(trees[1], above, index))
            index = (index << self.log_arity) + first_difference(inside(trees[0], above, index), way[-1])
        top = index >> self.log_arity * depth
        return prove_divergence(trees[0], Side.OLDER, level, top, way)

    def duel_trees(self, key: DuelKey) -> tuple[Tree, Tree]:
        """The trees of a walk, or of a duel, made equally high."""
        if key.commitments is None:
            return self.trees[key.older], self.trees[key.newer]
        older, newer = (self.trees[id_] for id_ in key.commitments)
        height = max(older.height, newer.height)
        return LiftedTree(older, height), LiftedTree(newer, height)

    def duel(self, key: DuelKey) -> DuelView | None:
        view = self.game.view(key.older, key.newer)
        assert view is not None
        return view.walk if key.commitments is None else view.duels.get(key.commitments)

    def move(self, key: DuelKey) -> Move:
        """The move of the side on turn."""
        duel = self.duel(key)
        assert duel is not None
        side = duel.clocks.turn
        proof, revealed = self._descent(key, duel.level, duel.index, side)
        return Move(
            reason="",
            key=key,
            side=side,
            level=duel.level,
            pre=duel.divergence.pre,
            proof=proof,
            reveal=revealed,
        )

    def _descent(
        self, key: DuelKey, level: int, index: int, side: Side
    ) -> tuple[DivergenceProof, Reveal | None]:
        trees = self.duel_trees(key)
        proof = self.proof(trees, level, index, 1)
        below = (index << self.log_arity) + proof.index
        return proof, reveal(trees[side], level - 1, below) if level > 1 else None

    def commitment(
        self, pair: tuple[Hash32, Hash32], side: Side, tree: Tree, *, is_free: bool = False
    ) -> tuple[Hash32, Commit]:
        """Commit to a tree; return the id it gets, too."""
        divergence = self.divergence(pair)
        action = Commit(
            reason="",
            older=pair[0],
            newer=pair[1],
            side=side,
            depth=tree.height,
            divergence=divergence,
            reveal=reveal(tree, tree.height, 0),
            is_free=is_free,
            bond_wei=0 if is_free else self.bond_wei,
        )
        id_ = commitment_id(dispute_id(*pair), side, tree.height, tree.root.hash)
        self.trees[id_] = tree
        return id_, action

    def divergence(self, pair: tuple[Hash32, Hash32]) -> Divergence:
        view = self.game.view(*pair)
        assert view is not None
        return view.walk.divergence

    def commit(
        self, sender: str, pair: tuple[Hash32, Hash32], side: Side, tree: Tree, *, is_free: bool = False
    ) -> Hash32:
        id_, action = self.commitment(pair, side, tree, is_free=is_free)
        self.play(sender, action, action.bond_wei)
        return id_

    def starting(self, key: DuelKey) -> Start:
        """Start the duel of two commitments."""
        assert key.commitments is not None
        view = self.game.view(key.older, key.newer)
        assert view is not None
        both = [view.commitments[id_] for id_ in key.commitments]
        side = Side(both[1].no > both[0].no)
        level = max(c.depth for c in both)
        proof, revealed = self._descent(key, level, 0, side)
        return Start(
            reason="",
            older=key.older,
            newer=key.newer,
            commitments=key.commitments,
            depths=(both[0].depth, both[1].depth),
            roots=(both[0].root, both[1].root),
            divergence=view.walk.divergence,
            proof=proof,
            reveal=revealed,
        )

    def proving(self, key: DuelKey) -> ProveStep:
        """Have the step of a duel executed."""
        duel = self.duel(key)
        assert duel is not None
        return ProveStep(reason="", key=key, divergence=duel.divergence, witness=b"")

    # ---------------------------------------------------------------------------------- stories

    def dispute(
        self, fault: Fault, *, right: Side = Side.OLDER, level: int | None = None
    ) -> tuple[Hash32, Hash32]:
        """Two siblings, posted at once by "honest" and "liar", in a dispute opened by the newer one."""
        posts = [("honest", self.right.units()), ("liar", self.lie(fault))]
        if right is Side.NEWER:
            posts.reverse()
        older, newer = (self.post(poster, tree) for poster, tree in posts)
        self.play(posts[1][0], self.opening(older, newer, level))
        return older, newer

    def walk(self, pair: tuple[Hash32, Hash32]) -> int:
        """Walk to the unit; return its index."""
        key = DuelKey(older=pair[0], newer=pair[1])
        while (duel := self.duel(key)) is not None and duel.level:
            self.play("anyone", self.move(key))
        assert duel is not None
        return duel.index

    def traces(self, pair: tuple[Hash32, Hash32], right: Side, fault: Fault) -> tuple[Tree, Tree]:
        """The right trace of the pinned unit and a wrong one for the other result, by side."""
        view = self.game.view(*pair)
        assert view is not None
        true = self.right.trace(view.walk.index)
        return right.pair(true, self.lying_trace(pair, right.other, fault))

    def lying_trace(self, pair: tuple[Hash32, Hash32], side: Side, fault: Fault) -> Tree:
        """A wrong trace of the pinned unit that ends in the result of a side."""
        view = self.game.view(*pair)
        assert view is not None
        true = self.right.trace(view.walk.index)
        return lying_steps(true, view.walk.divergence.nodes[side], fault)

    def fight(self, key: DuelKey) -> None:
        """Start a duel of two commitments, search the step and have it executed."""
        self.play("anyone", self.starting(key))
        while (duel := self.duel(key)) is not None and duel.level:
            self.play("anyone", self.move(key))
        self.play("anyone", self.proving(key))

    def settle(self, pair: tuple[Hash32, Hash32]) -> None:
        self.play("anyone", Settle(reason="", older=pair[0], newer=pair[1]))

    def time_out(self, key: DuelKey) -> None:
        self.play("anyone", Timeout(reason="", key=key))

    def claim(self, pair: tuple[Hash32, Hash32], name: str, commitments: Sequence[Hash32] = ()) -> int:
        """Pay somebody; return the wei."""
        return self.play(
            "anyone",
            Claim(
                reason="",
                older=pair[0],
                newer=pair[1],
                commitments=tuple(commitments),
                account=account(name),
            ),
        )


def wrong_step(step: int | None = None, lie: StepLie = StepLie.FALSE) -> Fault:
    return Fault(step_lie=lie, step=step)
