"""Our L1 contracts, typed: reads take the block they are pinned to, ``*_call`` builds a message.

Send a built message with `optimistic.service.tx_manager`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DuelKey,
    Move,
    Open,
    ProveStep,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Life, Stage
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Unit
from optimistic.protocol.withdrawals import Message
from optimistic.service.contract import Contract, struct_fields, struct_values
from optimistic.service.game_encoding import (
    claim_values,
    divergence_values,
    key_values,
    proof_values,
    reveal_values,
)
from optimistic.service.l1_types import BlockId, Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Execution gas that a batch could name now."""

    general: int
    system: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionState:
    """What the chain stores about one assertion; all zero for an unknown id."""

    parent: Hash32
    unit_root: Hash32
    end_leaf: Hash32
    poster: Address
    seq: int
    to: int
    config: int
    status: AssertionStatus
    t0: int
    sole_since: int
    live_children: int
    children: int
    child_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """What one identity has at stake, and the newest assertion it stands on."""

    amount_wei: int
    tip: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """A published node of a unit tree: H(TAG_NODE, end_state, children_root)."""

    end_state: Hash32
    children_root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePathStep:
    """One level of the path of a published subtree, from the leaves up."""

    end_state: Hash32
    siblings: tuple[Hash32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuelState:
    """What the game stores about a walk or a duel; stage NONE before its first move.

    Once the unit of a dispute is pinned, `left` are the budgets, `since` is the time of that and
    `index` is the unit.
    """

    left_older: int
    left_newer: int
    since: int
    turn: Side
    level: int
    index: int
    stage: Stage
    divergence: Hash32
    """Hash of the agreed state and the two nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyState:
    """Counters of a dispute."""

    live_older: int
    live_newer: int
    commitments: int
    credits_older: int
    """Wei that the moves of the older side earned."""
    credits_newer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PurseState:
    """Money of a dispute, in wei."""

    pool: int
    forfeits_older: int
    forfeits_newer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeState:
    """What the game stores about a dispute."""

    duel: DuelState
    """The walk it begins with."""
    tally: TallyState
    purse: PurseState


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentState:
    """What the game stores about a commitment; life NONE if there is none."""

    owner: Address
    joined_at: int
    no: int
    life: Life
    is_free: bool
    side: Side
    credits: int
    """Wei that moves for it earned; `owner_credits` are the owner's own part."""
    owner_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlace:
    """Which step, and of which machine; see `stepper.trace.next_state`."""

    pre: Hash32
    """Hash of the machine before."""
    j: int
    v: int
    acc: Hash32


class Inbox(Contract):
    """Batches and the deposit queue."""

    NAME = "Inbox"

    def batch_count(self, *, at: BlockId) -> int:
        """Return the number of batches."""
        return self.read_int("batchCount", at=at)

    def acc(self, index: int, *, at: BlockId) -> Hash32:
        """Return the accumulator after batch `index`."""
        return self.read_hash("acc", index, at=at)

    def deposit_count(self, *, at: BlockId) -> int:
        """Return the length of the deposit queue."""
        return self.read_int("depositCount", at=at)

    def deposit_hash(self, index: int, *, at: BlockId) -> Hash32:
        """Return the hash of a deposit."""
        return self.read_hash("depositHash", index, at=at)

    def deposit_time(self, index: int, *, at: BlockId) -> int:
        """Return the L1 time at which a deposit was made."""
        return self.read_int("depositTime", index, at=at)

    def consumed_deposits(self, *, at: BlockId) -> int:
        """Return how many deposits belong to batches."""
        return self.read_int("consumedDeposits", at=at)

    def last_append(self, *, at: BlockId) -> int:
        """Return the L1 time of the sequencer's newest batch."""
        return self.read_int("lastAppend", at=at)

    def available_budgets(self, *, at: BlockId) -> Budgets:
        """Return what the two gas buckets hold in the state after block `at`."""
        general, system = self.read("availableBudgets", at=at)
        return Budgets(general=general, system=system)

    def active_config_hash(self, *, at: BlockId) -> Hash32:
        """Return the parameter set the next batch will carry."""
        return self.read_hash("activeConfigHash", at=at)

    def sequencer(self, *, at: BlockId) -> Address:
        """Return the one address that may append batches."""
        return Address(self.read("SEQUENCER", at=at)[0])

    def min_batch_interval_s(self, *, at: BlockId) -> int:
        """Return the shortest time between two batches of the sequencer."""
        return self.read_int("MIN_BATCH_INTERVAL", at=at)

    def force_delay_s(self, *, at: BlockId) -> int:
        """Return the age at which a deposit entitles anyone to force a batch."""
        return self.read_int("FORCE_DELAY", at=at)

    def append_batch_call(
        self, *, index: int, prev_acc: Hash32, data: bytes, deposit_end: int, budgets: Budgets
    ) -> Call:
        """Return the message that appends batch `index`; only the sequencer's is accepted."""
        return self.call("appendBatch", index, prev_acc, data, deposit_end, budgets.general, budgets.system)

    def force_batch_call(self) -> Call:
        """Return the message that forces a batch of overdue deposits."""
        return self.call("forceBatch")


class AssertionChain(Contract):
    """Assertions and stakes."""

    NAME = "AssertionChain"

    def assertion(self, id: Hash32, *, at: BlockId) -> AssertionState:
        """Return one assertion."""
        output = self.abi.functions["assertion"].outputs[0]
        fields = struct_fields(output, self.read("assertion", id, at=at)[0])
        return AssertionState(**{**fields, "status": AssertionStatus(fields["status"])})

    def genesis_id(self, *, at: BlockId) -> Hash32:
        """Return the assertion that is confirmed from the start."""
        return self.read_hash("genesisId", at=at)

    def latest_confirmed(self, *, at: BlockId) -> Hash32:
        """Return the newest confirmed assertion."""
        return self.read_hash("latestConfirmed", at=at)

    def stake_of(self, staker: Address, *, at: BlockId) -> Stake:
        """Return an identity's stake."""
        amount, tip = self.read("stakeOf", staker, at=at)
        return Stake(amount_wei=amount, tip=Hash32(tip))

    def is_member(self, id: Hash32, staker: Address, *, at: BlockId) -> bool:
        """Return whether an identity asserted or backed `id`."""
        return bool(self.read("isMember", id, staker, at=at)[0])

    def is_slashed(self, staker: Address, *, at: BlockId) -> bool:
        """Return whether an identity lost its stake."""
        return bool(self.read("isSlashed", staker, at=at)[0])

    def stake_wei(self, *, at: BlockId) -> int:
        """Return S0: what an identity stakes once."""
        return self.read_int("STAKE", at=at)

    def challenge_period_s(self, *, at: BlockId) -> int:
        """Return T."""
        return self.read_int("CHALLENGE_PERIOD", at=at)

    def airgap_s(self, *, at: BlockId) -> int:
        """Return AIRGAP."""
        return self.read_int("AIRGAP", at=at)

    def game(self, *, at: BlockId) -> Address:
        """Return the dispute game's address."""
        return Address(self.read("GAME", at=at)[0])

    def inbox(self, *, at: BlockId) -> Address:
        """Return the inbox's address."""
        return Address(self.read("INBOX", at=at)[0])

    def assert_call(
        self,
        *,
        parent: Hash32,
        to_batch: int,
        expected_acc: Hash32,
        roots: tuple[Hash32, Hash32, Hash32],
        stake_wei: int,
    ) -> Call:
        """Return the message that asserts; `roots` are unit root, end leaf and children root."""
        return self.call("assertBatches", parent, to_batch, expected_acc, *roots, value_wei=stake_wei)

    def back_call(self, id: Hash32, *, stake_wei: int) -> Call:
        """Return the message that backs an assertion."""
        return self.call("back", id, value_wei=stake_wei)

    def confirm_call(self, id: Hash32) -> Call:
        """Return the message that confirms an assertion."""
        return self.call("confirm", id)

    def mark_dead_call(self, child: Hash32) -> Call:
        """Return the message that marks the child of a dead assertion as dead."""
        return self.call("markDead", child)

    def kill_unopened_call(self, older: Hash32, newer: Hash32) -> Call:
        """Return the message that kills a newcomer which never opened a dispute."""
        return self.call("killUnopened", older, newer)

    def slash_call(self, id: Hash32, staker: Address) -> Call:
        """Return the message that takes the stake of a member of a dead assertion."""
        return self.call("slash", id, staker)

    def withdraw_stake_call(self) -> Call:
        """Return the message that takes one's own stake back."""
        return self.call("withdrawStake")

    def publish_unit_leaves_call(
        self,
        id: Hash32,
        level: int,
        first_index: int,
        nodes: Sequence[TreeNode],
        path: Sequence[TreePathStep],
    ) -> Call:
        """Return the message that publishes a subtree of an assertion's unit tree."""
        return self.call(
            "publishUnitLeaves",
            id,
            level,
            first_index,
            [(node.end_state, node.children_root) for node in nodes],
            [(step.end_state, list(step.siblings)) for step in path],
        )


class DisputeGame(Contract):
    """Decides between two siblings by executing one step."""

    NAME = "DisputeGame"

    def is_open(self, older: Hash32, newer: Hash32, *, at: BlockId) -> bool:
        """Return whether a dispute between two siblings was ever opened."""
        return bool(self.read("isOpen", older, newer, at=at)[0])

    def dispute(self, older: Hash32, newer: Hash32, *, at: BlockId) -> DisputeState:
        """Return a dispute; all zero if it was never opened."""
        outputs = self.abi.functions["dispute"].outputs
        duel, tally, purse = self.read("dispute", (older, newer), at=at)
        return DisputeState(
            duel=_duel_state(struct_fields(outputs[0], duel)),
            tally=TallyState(**struct_fields(outputs[1], tally)),
            purse=PurseState(**struct_fields(outputs[2], purse)),
        )

    def duel(self, key: DuelKey, *, at: BlockId) -> DuelState:
        """Return a duel of two commitments."""
        output = self.abi.functions["duel"].outputs[0]
        return _duel_state(struct_fields(output, self.read("duel", key_values(key), at=at)[0]))

    def commitment(self, older: Hash32, newer: Hash32, id: Hash32, *, at: BlockId) -> CommitmentState:
        """Return a commitment of a dispute."""
        output = self.abi.functions["commitment"].outputs[0]
        fields = struct_fields(output, self.read("commitment", (older, newer), id, at=at)[0])
        typed = {"life": Life(fields["life"]), "side": Side(fields["side"])}
        return CommitmentState(**{**fields, **typed})

    def claimable(self, action: Claim, *, at: BlockId) -> int:
        """Return the wei that a claim would pay."""
        return self.read_int("claimable", *claim_values(action), at=at)

    def owed(self, account: Address, *, at: BlockId) -> int:
        """Return the wei of a poster's shares that wait for any claim of the account."""
        return self.read_int("owed", account, at=at)

    def chain(self, *, at: BlockId) -> Address:
        """Return the assertion chain's address."""
        return Address(self.read("CHAIN", at=at)[0])

    def bond_wei(self, *, at: BlockId) -> int:
        """Return s: the bond of a commitment."""
        return self.read_int("BOND", at=at)

    def open_call(self, action: Open) -> Call:
        """Return the message that opens a dispute."""
        pair = (action.older, action.newer)
        return self.call("open", pair, action.level, proof_values(action.proof), reveal_values(action.reveal))

    def move_call(self, action: Move) -> Call:
        """Return the message that moves in a walk or a duel."""
        return self.call(
            "move",
            key_values(action.key),
            int(action.side),
            action.level,
            action.pre,
            proof_values(action.proof),
            reveal_values(action.reveal),
        )

    def commit_call(self, action: Commit) -> Call:
        """Return the message that commits to a trace, with its bond."""
        return self.call(
            "commitTrace",
            (action.older, action.newer),
            int(action.side),
            action.depth,
            divergence_values(action.divergence),
            reveal_values(action.reveal),
            action.is_free,
            value_wei=action.bond_wei,
        )

    def start_call(self, action: Start) -> Call:
        """Return the message that begins a duel."""
        return self.call(
            "start",
            (action.older, action.newer),
            list(action.depths),
            list(action.roots),
            divergence_values(action.divergence),
            proof_values(action.proof),
            reveal_values(action.reveal),
        )

    def prove_step_call(self, action: ProveStep) -> Call:
        """Return the message that has the disputed step executed."""
        return self.call(
            "proveStep", key_values(action.key), divergence_values(action.divergence), action.witness
        )

    def timeout_call(self, action: Timeout) -> Call:
        """Return the message that ends a walk or a duel by its clock."""
        return self.call("timeout", key_values(action.key))

    def settle_call(self, action: Settle) -> Call:
        """Return the message that closes a decided dispute."""
        return self.call("settle", (action.older, action.newer))

    def claim_call(self, action: Claim) -> Call:
        """Return the message that pays an account what it is owed."""
        return self.call("claim", *claim_values(action))


class OneStepVerifier(Contract):
    """Says what one step makes of a machine of which only the hash is known."""

    NAME = "OspEntry"

    def step(self, place: StepPlace, witness: bytes, *, at: BlockId, gas: int | None = None) -> Hash32:
        """Return the hash of the machine after a step.

        Parameters
        ----------
        witness : the encoded witness
        gas : of the call; None leaves it to the endpoint

        Raises
        ------
        ContractReverted : the witness does not prove the step
        """
        (post,) = self.read_call(replace(self.step_call(place, witness), gas=gas), "step", at=at)
        return Hash32(post)

    def step_call(self, place: StepPlace, witness: bytes) -> Call:
        """Return the message that has a step proven on L1; it changes nothing."""
        return self.call("step", place.pre, place.j, place.v, place.acc, witness)


class PrecompileProbe(Contract):
    """Checks that L1 runs precompiles as the one-step verifier expects."""

    NAME = "PrecompileProbe"

    def probe(self, *, at: BlockId) -> None:
        """Run every precompile once.

        Raises
        ------
        ContractReverted : one gives another result or takes more gas than the verifier forwards
        """
        self.read("probe", at=at)


class PrecompileGuard(Contract):
    """Remembers what the probe found; blocks withdrawals and new configurations while it is bad."""

    NAME = "PrecompileGuard"

    def is_broken(self, *, at: BlockId) -> bool:
        """Return what the last look found."""
        return bool(self.read("isBroken", at=at)[0])

    def probe_call(self) -> Call:
        """Return the message that has the guard look."""
        return self.call("probe")


class Bridge(Contract):
    """Deposits and withdrawals."""

    NAME = "Bridge"

    def is_finalized(self, key: Hash32, *, at: BlockId) -> bool:
        """Return whether a message was delivered."""
        return bool(self.read("isFinalized", key, at=at)[0])

    def ready_at(self, key: Hash32, *, at: BlockId) -> int:
        """Return when a delayed message may be released; 0 for one that is not delayed."""
        return self.read_int("readyAt", key, at=at)

    def paused_until(self, *, at: BlockId) -> int:
        """Return the end of the guardian's pause."""
        return self.read_int("pausedUntil", at=at)

    def deposit_call(
        self,
        *,
        to: Address | None,
        value: int,
        gas_limit: int,
        data: bytes = b"",
        mint_wei: int | None = None,
    ) -> Call:
        """Return the message that deposits; `to` None creates a contract, `mint_wei` defaults to `value`."""
        target = Address(bytes(20)) if to is None else to
        minted = value if mint_wei is None else mint_wei
        return self.call("deposit", target, value, gas_limit, to is None, data, value_wei=minted)

    def finalize_withdrawal_call(
        self,
        message: Message,
        assertion_id: Hash32,
        unit: Unit,
        account_proof: Sequence[bytes],
        storage_proof: Sequence[bytes],
    ) -> Call:
        """Return the message that delivers a withdrawal proven against a confirmed assertion."""
        inputs = self.abi.functions["finalizeWithdrawal"].inputs
        return self.call(
            "finalizeWithdrawal",
            struct_values(inputs[0], message),
            assertion_id,
            struct_values(inputs[2], unit),
            list(account_proof),
            list(storage_proof),
        )

    def release_withdrawal_call(self, message: Message) -> Call:
        """Return the message that delivers a withdrawal whose delay is over."""
        return self.call(
            "releaseWithdrawal", struct_values(self.abi.functions["releaseWithdrawal"].inputs[0], message)
        )

    def pause_call(self) -> Call:
        """Return the guardian's message that pauses withdrawals."""
        return self.call("pause")


def _duel_state(fields: dict[str, Any]) -> DuelState:
    return DuelState(**{**fields, "turn": Side(fields["turn"]), "stage": Stage(fields["stage"])})
