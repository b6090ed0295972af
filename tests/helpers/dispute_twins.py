"""The rules of the dispute game in Python and the contracts, side by side: each call is made in both."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from optimistic.protocol.dispute.actions import Claim, Commit, DuelKey, GameAction, ProveStep
from optimistic.protocol.dispute.chain import BURNED, SLASHED
from optimistic.protocol.dispute.ids import Side, divergence_hash
from optimistic.protocol.dispute.purse import credit_gas, credit_price
from optimistic.protocol.dispute.state import Dispute
from optimistic.protocol.dispute.views import DisputeView, DuelView, Life
from optimistic.protocol.dispute.views import Stage as DisputeStage
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.abi import AbiError
from optimistic.service.contract import NamedRevert
from optimistic.service.contracts import CommitmentState, DuelState
from optimistic.service.game_calls import call_of
from optimistic.service.l1_types import Call as Message
from scripts.staging.lies import Fault
from tests.helpers.dispute_host import BATCHES, DisputeHost
from tests.helpers.dispute_stage import ETHER, GENESIS_END, GWEI, START_TIME, Computation, Stage, account

NAMES: Final = ("alice", "bob", "carol", "dave")
PAYER: Final = "payer"
"""Sends claims, so that what the claimants get is not mixed with what they pay for gas."""
PERIOD_S: Final = 600
AIRGAP_S: Final = 50
STAKE_WEI, BOND_WEI = 2 * ETHER, ETHER // 5
PRICES_WEI: Final = (0, 1, GWEI, 500 * GWEI)
"""Of gas; the base fee of the bare EVM is always zero."""
SAME: Final = {
    "InvalidDivergence": ("InvalidDivergenceProof", "WrongSiblingCount"),
    "WitnessRefused": ("",),
}
"""Where the names of a refusal differ."""


class WitnessRefused(InvalidInput):
    """The verifier reverted."""


@dataclass(frozen=True, slots=True)
class ToyVerifier:
    """The made-up step; it refuses every witness but the empty one, as the one on the chain does."""

    right: Computation

    def __call__(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> Hash32:
        if witness:
            raise WitnessRefused
        return self.right.step(pre, j, v, acc, witness)


class Twins:
    """The rules and the contracts, side by side."""

    def __init__(self, log_arity: int, random: Random) -> None:
        self.random = random
        self.host = DisputeHost(
            log_arity=log_arity,
            times_s=(PERIOD_S, AIRGAP_S),
            stake_wei=STAKE_WEI,
            bond_wei=BOND_WEI,
            end_leaf=GENESIS_END,
        )
        self.host.fund(*map(account, NAMES), account(PAYER))
        self.stage = Stage(
            log_arity=log_arity,
            period_s=PERIOD_S,
            airgap_s=AIRGAP_S,
            stake_wei=STAKE_WEI,
            bond_wei=BOND_WEI,
            genesis=self.host.chain.genesis_id(at="latest"),
            accs=[self.host.inbox.acc(index, at="latest") for index in range(BATCHES)],
            gas=credit_gas(log_arity),
        )
        self.stage.inbox.step = ToyVerifier(self.stage.right)
        self.now = START_TIME
        self.refusals = Counter[str]()
        self.accepted = Counter[str]()
        self.recent: list[GameAction] = []

    # ----------------------------------------------------------------------------------- calls

    def both(self, sender: str, message: Message, value_wei: int, do: Callable[[], object]) -> bool:
        """Make one call on both sides; return whether it was accepted."""
        gas_price = self.random.choice(PRICES_WEI)
        self.stage.now, self.stage.price_wei = self.now, credit_price(gas_price, 0)
        self.host.at(self.now)
        reverted = self.host.send(account(sender), message, value_wei, gas_price)
        try:
            do()
        except InvalidInput as refusal:
            name = type(refusal).__name__
            assert reverted is not None, f"only Python refuses: {name}"
            there = reverted.name if isinstance(reverted, NamedRevert) else ""
            assert there in SAME.get(name, (name,))
            self.refusals[name] += 1
            return False
        assert reverted is None, f"only the contract refuses: {reverted}"
        return True

    def play(self, sender: str, action: GameAction, value_wei: int | None = None) -> None:
        """Make a call of the game."""
        if value_wei is None:
            value_wei = max(0, action.bond_wei) if isinstance(action, Commit) else 0
        try:
            message = call_of(self.host.game, action)
        except AbiError:
            return  # nothing that could be sent
        if isinstance(action, ProveStep):
            self.teach(action)
        value, paid = value_wei, [0]
        before = self.host.balance(action.account) if isinstance(action, Claim) else 0

        def do() -> None:
            paid[0] = self.stage.play(sender, action, value)

        if self.both(sender, message, value, do):
            self.recent.append(action)
            self.accepted[action.kind] += 1
            if isinstance(action, Claim):
                assert self.host.balance(action.account) - before == paid[0]

    def teach(self, action: ProveStep) -> None:
        """Let the verifier on the chain know what the machine makes of a step."""
        view = self.stage.game.view(action.key.older, action.key.newer)
        if view is None:
            return
        duel = view.duels.get(action.key.commitments or (ZERO_HASH, ZERO_HASH))
        v, j, pre = (duel.index if duel else 0), view.walk.index, action.divergence.pre
        assertion = self.stage.chain.get(view.older)
        acc = self.stage.accs[assertion.to - 1] if j < 1 << 15 else ZERO_HASH
        self.host.teach(pre, j, v, self.stage.right.step(pre, j, v, acc, b""))

    def post(self, sender: str, fault: Fault | None, parent: Hash32) -> None:
        """Assert the right unit tree or a wrong one."""
        stage = self.stage
        tree = stage.right.units() if fault is None else stage.lie(fault)
        claimed = stage.claimed(tree, parent)
        value = 0 if stage.chain.has_stake(account(sender)) else STAKE_WEI
        if self.random.random() < 0.1:
            value = STAKE_WEI - value
        message = self.host.chain.assert_call(
            parent=parent,
            to_batch=claimed.to,
            expected_acc=claimed.acc,
            roots=(tree.root.hash, tree.root.end_state, tree.children_root()),
            stake_wei=value,
        )
        call = replace(stage.call(sender, value), now=self.now)
        if self.both(sender, message, value, lambda: stage.chain.assert_batches(call, claimed)):
            stage.trees[claimed.id] = tree

    def chain_call(self, sender: str) -> None:
        """Make some call of the assertion chain."""
        stage, chain, host, random = self.stage, self.stage.chain, self.host.chain, self.random
        ids = [*chain.assertions, ZERO_HASH]
        one, other = random.choice(ids), random.choice(ids)
        value = random.choice((0, STAKE_WEI))
        call, who = replace(stage.call(sender, value), now=self.now), account(random.choice(NAMES))
        kind = random.randrange(6)
        if kind == 0:
            self.both(sender, host.back_call(one, stake_wei=value), value, lambda: chain.back(call, one))
        elif kind == 1:
            message = host.kill_unopened_call(one, other)
            self.both(sender, message, 0, lambda: chain.kill_unopened(call, one, other))
        elif kind == 2:
            self.both(sender, host.slash_call(one, who), 0, lambda: chain.slash(one, who))
        elif kind == 3:
            self.both(sender, host.confirm_call(one), 0, lambda: chain.confirm(call, one))
        elif kind == 4:
            self.both(sender, host.mark_dead_call(one), 0, lambda: chain.mark_dead(one))
        else:
            self.both(sender, host.withdraw_stake_call(), 0, lambda: chain.withdraw_stake(call))

    # ------------------------------------------------------------------------------- comparing

    def compare_balances(self) -> None:
        """Compare what the contracts hold."""
        game, chain = self.stage.game, self.stage.chain
        assert self.host.balance(self.host.game.address) == game.balance_wei
        assert self.host.balance(self.host.chain.address) == chain.balance_wei

    def compare(self) -> None:
        """Compare everything."""
        self.compare_balances()
        for dispute in self.stage.game.disputes.values():
            self.compare_dispute(dispute)
        for name in NAMES:
            self.compare_account(name)
        for id_, assertion in self.stage.chain.assertions.items():
            there = self.host.chain.assertion(id_, at="latest")
            for field in ("parent", "unit_root", "end_leaf", "poster", "seq", "status", "t0"):
                assert getattr(there, field) == getattr(assertion, field)
            for field in ("sole_since", "live_children", "children", "to", "config"):
                assert getattr(there, field) == getattr(assertion, field)
        assert self.host.chain.latest_confirmed(at="latest") == self.stage.chain.latest_confirmed

    def compare_account(self, name: str) -> None:
        """Compare what an account has and is owed."""
        who, chain = account(name), self.stage.chain
        assert self.host.game.owed(who, at="latest") == self.stage.game.owed_wei.get(who, 0)
        assert (self.host.chain.stake_of(who, at="latest").amount_wei != 0) == chain.has_stake(who)
        assert self.host.chain.is_slashed(who, at="latest") == (chain.tips.get(who) in (SLASHED, BURNED))
        for id_ in chain.assertions:
            assert self.host.chain.is_member(id_, who, at="latest") == chain.is_member(id_, who)
        for dispute in self.stage.game.disputes.values():
            view = dispute.view
            if view.stage is DisputeStage.OVER:
                claim = self.claim(view, name)
                assert self.host.game.claimable(claim, at="latest") == self.stage.game.claimable_wei(claim)

    def compare_dispute(self, dispute: Dispute) -> None:
        """Compare all that is stored about a dispute."""
        view, purse = dispute.view, dispute.purse
        there = self.host.game.dispute(view.older, view.newer, at="latest")
        is_over = view.stage is DisputeStage.OVER
        if is_over:
            winner = Side(view.winner == view.newer)
            assert (there.duel.stage, there.duel.turn) == (DisputeStage.OVER, winner)
        else:
            compare_duel(view.walk, there.duel)
            assert (there.tally.live_older, there.tally.live_newer) == dispute.counts()
        assert there.tally.commitments == len(view.commitments)
        assert (there.tally.credits_older, there.tally.credits_newer) == purse.credits_wei
        assert there.purse.pool == purse.pool_wei
        assert (there.purse.forfeits_older, there.purse.forfeits_newer) == purse.forfeits_wei
        for ids, duel in view.duels.items():
            key = DuelKey(older=view.older, newer=view.newer, commitments=ids)
            compare_duel(duel, self.host.game.duel(key, at="latest"))
        for id_ in view.commitments:
            found = self.host.game.commitment(view.older, view.newer, id_, at="latest")
            self.compare_commitment(dispute, id_, found)

    def compare_commitment(self, dispute: Dispute, id_: Hash32, there: CommitmentState) -> None:
        """Compare a commitment; what its owner has earned stays on the chain after it was paid."""
        here, purse = dispute.view.commitments[id_], dispute.purse
        for field in ("owner", "joined_at", "no", "life", "is_free", "side"):
            assert getattr(there, field) == getattr(here, field)
        assert there.credits == purse.of_commitments_wei[id_]
        if here.life is not Life.PAID:
            assert there.owner_credits == purse.earned_wei.get((id_, here.owner), 0)

    def claim(self, view: DisputeView, name: str) -> Claim:
        """All that somebody may claim of a dispute."""
        ids = tuple(view.commitments)
        return Claim(reason="", older=view.older, newer=view.newer, commitments=ids, account=account(name))


def compare_duel(here: DuelView, there: DuelState) -> None:
    assert there.stage == here.stage
    if here.stage is DisputeStage.OVER:
        return
    assert (there.left_older, there.left_newer) == here.clocks.left
    assert (there.since, there.turn) == (here.clocks.since, here.clocks.turn)
    assert (there.level, there.index) == (here.level, here.index)
    assert there.divergence == divergence_hash(here.divergence.pre, here.divergence.nodes)
