"""The assertion chain as the game sees it: siblings, their stakes, and who dies.

The batches behind the assertions are left out: callers say what the inbox would.

Twin: solidity/src/l1/AssertionChain.sol
Source: docs/spec/06-assertions.md
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from optimistic.protocol.commitment import assertion_id
from optimistic.protocol.dispute.clocks import is_confirmable, is_window_open, sole_since
from optimistic.protocol.dispute.refusals import (
    AirgapOpen,
    AssertionExists,
    DisputeOpen,
    NoStake,
    NotDead,
    NotLive,
    NotMember,
    NotSiblings,
    ParentNotAlive,
    ParentNotConfirmed,
    RivalsAlive,
    StakeElsewhere,
    StakerSlashed,
    WindowClosed,
    WindowOpen,
    WrongStake,
)
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32

SLASHED = Hash32((1).to_bytes(32, "big"))
"""Tip of a staker whose stake the game took."""
BURNED = Hash32((2).to_bytes(32, "big"))
"""Tip of a staker whose stake was burned; the game may still take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls, when, and with what."""

    sender: Address
    now: int
    """Time of the L1 block."""
    value_wei: int = 0
    price_wei: int = 0
    """What one gas of the call earns in the game; see `purse.credit_price`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What an assertion says: about which batches, under which parent."""

    parent: Hash32
    acc: Hash32
    to: int
    unit_root: Hash32
    end_leaf: Hash32
    config: int = 0

    @property
    def id(self) -> Hash32:
        """Name of the assertion."""
        return assertion_id(self.parent, self.acc, self.unit_root, self.end_leaf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """An assertion and what is counted about its children."""

    parent: Hash32 = ZERO_HASH
    unit_root: Hash32 = ZERO_HASH
    end_leaf: Hash32 = ZERO_HASH
    poster: Address = ZERO_ADDRESS
    seq: int = 0
    to: int = 0
    config: int = 0
    status: AssertionStatus = AssertionStatus.NONE
    t0: int = 0
    sole_since: int = 0
    live_children: int = 0
    children: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """Two children of one parent, older first, and where both start."""

    pair: tuple[Assertion, Assertion]
    parent: Assertion

    @property
    def are_live(self) -> bool:
        """Whether both are alive."""
        return all(assertion.status is AssertionStatus.LIVE for assertion in self.pair)


class AssertionChain:
    """The chain; every call changes all it says or nothing.

    Parameters
    ----------
    genesis, genesis_end_leaf : the confirmed assertion that it starts with
    period_s, airgap_s : T and the airgap
    stake_wei : S0
    """

    def __init__(
        self, *, genesis: Hash32, genesis_end_leaf: Hash32, period_s: int, airgap_s: int, stake_wei: int
    ) -> None:
        self.period_s = period_s
        self.airgap_s = airgap_s
        self.stake_wei = stake_wei
        self.latest_confirmed = genesis
        self.assertions = {genesis: Assertion(end_leaf=genesis_end_leaf, status=AssertionStatus.CONFIRMED)}
        self.tips: dict[Address, Hash32] = {}
        self.balance_wei = 0
        self.is_open: Callable[[Hash32, Hash32], bool] = lambda _older, _newer: False
        """Whether a dispute between two siblings was ever opened; the game says so."""
        self._backers: dict[tuple[Hash32, Address], bool] = {}

    def get(self, id_: Hash32) -> Assertion:
        """Return an assertion; status NONE if there is none."""
        return self.assertions.get(id_, Assertion())

    def siblings(self, older: Hash32, newer: Hash32) -> Siblings | None:
        """Return two children of one parent in this order of age, whatever became of them."""
        pair = self.get(older), self.get(newer)
        parent = pair[0].parent
        if parent == ZERO_HASH or parent != pair[1].parent or pair[0].seq >= pair[1].seq:
            return None
        return Siblings(pair=pair, parent=self.get(parent))

    def is_member(self, id_: Hash32, account: Address) -> bool:
        """Return whether an account posted or backed an assertion."""
        is_poster = self.get(id_).poster == account != ZERO_ADDRESS
        return is_poster or (id_, account) in self._backers

    def has_stake(self, account: Address) -> bool:
        """Return whether an account's stake is there and nobody took or burned it."""
        return self.tips.get(account, ZERO_HASH) not in (ZERO_HASH, SLASHED, BURNED)

    # ------------------------------------------------------------------------------ assertions

    def assert_batches(self, call: Call, claimed: Claimed) -> Hash32:
        """Add a child of an assertion that is alive and move the caller's stake onto it."""
        id_, parent = claimed.id, self.get(claimed.parent)
        if id_ in self.assertions:
            raise AssertionExists
        self._require_alive(parent)
        if parent.children == 0:
            since = call.now + self.period_s
            parent = replace(parent, t0=call.now, sole_since=since, live_children=1, children=1)
        elif is_window_open(parent.t0, self.period_s, call.now):
            parent = replace(parent, live_children=parent.live_children + 1, children=parent.children + 1)
        else:
            raise WindowClosed
        self._move_stake(call, claimed.parent, id_)
        self.assertions[claimed.parent] = parent
        self.assertions[id_] = Assertion(
            parent=claimed.parent,
            unit_root=claimed.unit_root,
            end_leaf=claimed.end_leaf,
            poster=call.sender,
            seq=parent.children,
            to=claimed.to,
            config=claimed.config,
            status=AssertionStatus.LIVE,
        )
        return id_

    def back(self, call: Call, id_: Hash32) -> None:
        """Move the caller's stake onto an existing assertion."""
        self._require_live(id_)
        parent = self.get(id_).parent
        self._require_alive(self.get(parent))
        self._move_stake(call, parent, id_)
        self._backers[id_, call.sender] = True

    def confirm(self, call: Call, id_: Hash32) -> None:
        """Confirm an assertion that stood alone for the airgap behind a closed window."""
        self._require_live(id_)
        self_, parent = self.get(id_), self.get(self.get(id_).parent)
        if parent.status is not AssertionStatus.CONFIRMED:
            raise ParentNotConfirmed
        self._require_window_closed(parent, call.now)
        if parent.live_children != 1:
            raise RivalsAlive
        if not is_confirmable(parent.live_children, parent.sole_since, self.airgap_s, call.now):
            raise AirgapOpen
        self.assertions[id_] = replace(self_, status=AssertionStatus.CONFIRMED)
        self.latest_confirmed = id_

    def mark_dead(self, child: Hash32) -> None:
        """Kill a child of a dead assertion."""
        self._require_live(child)
        if self.get(self.get(child).parent).status is not AssertionStatus.DEAD:
            raise NotDead
        self.assertions[child] = replace(self.get(child), status=AssertionStatus.DEAD)

    def kill_unopened(self, call: Call, older: Hash32, newer: Hash32) -> None:
        """Kill a newcomer that opened no dispute against an older sibling before the window closed."""
        self._require_live(older)
        self._require_live(newer)
        siblings = self.siblings(older, newer)
        if siblings is None:
            raise NotSiblings
        self._require_window_closed(siblings.parent, call.now)
        if self.is_open(older, newer):
            raise DisputeOpen
        self._die(newer, call.now)

    # ---------------------------------------------------------------------------------- stakes

    def slash(self, id_: Hash32, staker: Address) -> None:
        """Burn the stake of a member of a dead assertion; only the game may take it then."""
        if self.get(id_).status is not AssertionStatus.DEAD:
            raise NotDead
        self._require_member(id_, staker)
        if not self.has_stake(staker):
            raise NoStake
        self.tips[staker] = BURNED

    def withdraw_stake(self, call: Call) -> int:
        """Return the caller's stake, whose tip must be confirmed; how many wei it is."""
        if not self.has_stake(call.sender):
            raise NoStake
        if self.get(self.tips[call.sender]).status is not AssertionStatus.CONFIRMED:
            raise StakeElsewhere
        del self.tips[call.sender]
        self.balance_wei -= self.stake_wei
        return self.stake_wei

    # -------------------------------------------------------------------------------- the game

    def kill(self, loser: Hash32, winner: Hash32, now: int) -> tuple[bool, int]:
        """Kill the loser of a decided dispute if the winner is alive now.

        Returns
        -------
        Whether it died by this call, and the stake of its poster in wei, which goes to the game.
        """
        pair = self.get(loser), self.get(winner)
        if pair[0].parent == ZERO_HASH or pair[0].parent != pair[1].parent or loser == winner:
            raise NotSiblings
        if not all(assertion.status is AssertionStatus.LIVE for assertion in pair):
            return False, 0
        self._die(loser, now)
        return True, self._take_stake(loser, pair[0].poster)

    def seize(self, id_: Hash32, staker: Address) -> int:
        """Take the stake of a member whose free commitment died; return it in wei, 0 if it is gone."""
        if self.get(id_).status not in (AssertionStatus.LIVE, AssertionStatus.DEAD):
            raise NotLive
        return self._take_stake(id_, staker)

    # -------------------------------------------------------------------------------- internal

    def _move_stake(self, call: Call, parent: Hash32, child: Hash32) -> None:
        """Move the caller's stake to a child of its tip, or anywhere once its tip is confirmed."""
        tip = self.tips.get(call.sender, ZERO_HASH)
        if tip in (SLASHED, BURNED):
            raise StakerSlashed
        due_wei = self.stake_wei if tip == ZERO_HASH else 0
        if call.value_wei != due_wei:
            raise WrongStake(f"{due_wei} wei are due")
        if tip not in (ZERO_HASH, parent) and self.get(tip).status is not AssertionStatus.CONFIRMED:
            raise StakeElsewhere
        self.tips[call.sender] = child
        self.balance_wei += due_wei

    def _take_stake(self, id_: Hash32, staker: Address) -> int:
        """Take a stake, also a burned one, for the game."""
        self._require_member(id_, staker)
        if self.tips.get(staker, ZERO_HASH) in (ZERO_HASH, SLASHED):
            return 0
        self.tips[staker] = SLASHED
        self.balance_wei -= self.stake_wei
        return self.stake_wei

    def _die(self, id_: Hash32, now: int) -> None:
        """Kill one of at least two live children."""
        self_ = self.get(id_)
        parent = self.get(self_.parent)
        live = parent.live_children - 1
        since = sole_since(parent.t0, self.period_s, now) if live == 1 else parent.sole_since
        self.assertions[id_] = replace(self_, status=AssertionStatus.DEAD)
        self.assertions[self_.parent] = replace(parent, live_children=live, sole_since=since)

    def _require_live(self, id_: Hash32) -> None:
        """Refuse an assertion that is not alive."""
        if self.get(id_).status is not AssertionStatus.LIVE:
            raise NotLive

    def _require_alive(self, parent: Assertion) -> None:
        """Refuse a parent that is dead or unknown."""
        if parent.status not in (AssertionStatus.LIVE, AssertionStatus.CONFIRMED):
            raise ParentNotAlive

    def _require_window_closed(self, parent: Assertion, now: int) -> None:
        """Refuse a call before t0 + T."""
        if is_window_open(parent.t0, self.period_s, now):
            raise WindowOpen

    def _require_member(self, id_: Hash32, staker: Address) -> None:
        """Refuse an account that never staked on the assertion."""
        if not self.is_member(id_, staker):
            raise NotMember
