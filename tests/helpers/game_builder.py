"""Disputes set up in a few words and played to the end on the rules, block by block.

::

    game = Game(units=[[3, 40, 2]])
    liar = game.assert_wrong(Fault(unit=1, step=7))
    right = game.wait(60).assert_right()
    game.play(Solver(right), Solver(liar))
    assert game.survivor is right

In each block all players see the same state and decide; then their calls are made in the players' order.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Protocol

from optimistic.protocol.commitment import CommitmentTree, Tree
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.dispute.actions import Commit, GameAction
from optimistic.protocol.dispute.chain import AssertionChain, Call, Claimed
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.dispute.purse import CreditGas
from optimistic.protocol.dispute.rules import DisputeGame
from optimistic.protocol.dispute.traces import Terms, Traces
from optimistic.protocol.dispute.views import DisputeView, Stage
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from scripts.staging.lies import Fault, LyingTraces, lying_units
from tests.helpers.synthetic_traces import START, ToyMachine

GENESIS: Final = keccak256(b"genesis")
STAKE_WEI: Final = 2 * 10**18
BOND_WEI: Final = 2 * 10**17
PRICE_WEI: Final = 10**9
BLOCK_S: Final = 12
PERIOD_S: Final = 50 * BLOCK_S
BEGIN: Final = 1_000_000
_CREDIT_GAS: Final = CreditGas(open=100_000, move=30_000, commit=50_000, step=50_000)
MOVES: Final = ("open", "move", "commit", "start", "prove_step")
_GROUP: Final = 1024
"""Leaves published together."""


def account(name: str) -> Address:
    """The address of somebody."""
    return Address(keccak256(name.encode())[12:])


@dataclass(frozen=True, slots=True, kw_only=True)
class KillUnopened:
    """The one call of the assertion chain that belongs to playing."""

    kind: ClassVar = "kill_unopened"
    older: Hash32
    newer: Hash32


Sent = GameAction | KillUnopened


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sibling:
    """An assertion of the story, and what its poster claims to know."""

    id: Hash32
    name: str
    traces: Traces
    units: Tree
    published: tuple[PublishedNodes, ...] = ()

    @property
    def poster(self) -> Address:
        """Who posted it."""
        return account(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One call of the story."""

    now: int
    player: str
    action: Sent
    refusal: str | None = None

    @property
    def kind(self) -> str:
        """What was called."""
        return self.action.kind


class Actor(Protocol):
    """Somebody who plays."""

    @property
    def name(self) -> str:
        """Who it is; gives the address, too."""

    def act(self, game: "Game") -> Iterable[Sent]:
        """Return the calls to make in this block."""


@dataclass(eq=False)
class Game:
    """The children of one parent, the rules, and everything that was called.

    Attributes
    ----------
    units : number of steps of each unit of each batch
    """

    units: Sequence[Sequence[int]] = ((3, 40, 2, 7),)
    log_arity: int = 5
    period_s: int = PERIOD_S
    now: int = BEGIN
    siblings: list[Sibling] = field(default_factory=list)
    log: list[Entry] = field(default_factory=list)
    balance_wei: Counter[Address] = field(default_factory=Counter)
    """What each account got out of the game less what it paid in; stakes are counted apart."""

    def __post_init__(self) -> None:
        self.machine = ToyMachine(self.log_arity, self.units)
        self.terms = Terms(log_arity=self.log_arity, challenge_period_s=self.period_s, bond_wei=BOND_WEI)
        self.chain = AssertionChain(
            genesis=GENESIS, genesis_end_leaf=START, period_s=self.period_s, airgap_s=0, stake_wei=STAKE_WEI
        )
        self.rules = DisputeGame(
            terms=self.terms, credit_gas=_CREDIT_GAS, chain=self.chain, inbox=self.machine
        )

    # ------------------------------------------------------------------------------ setting up

    def wait(self, seconds: int) -> "Game":
        """Let some time pass in which nobody does anything."""
        self.now += seconds
        return self

    def assert_right(self, name: str = "right", *, publish: bool = False) -> Sibling:
        """Post the right assertion."""
        return self._post(name, self.machine, self.machine.units(), publish=publish)

    def assert_wrong(self, fault: Fault, name: str = "wrong", *, publish: bool = False) -> Sibling:
        """Post an assertion with a lie in it."""
        units = lying_units(self.log_arity, self.machine.leaves, fault)
        return self._post(name, LyingTraces(self.machine, units, fault), units, publish=publish)

    def _post(self, name: str, traces: Traces, units: Tree, *, publish: bool) -> Sibling:
        claimed = Claimed(
            parent=GENESIS,
            acc=self.machine.acc(len(self.units) - 1),
            to=len(self.units),
            unit_root=units.root.hash,
            end_leaf=units.root.end_state,
        )
        id_ = self.chain.assert_batches(self._call(account(name), STAKE_WEI), claimed)
        published = tuple(published_batches(units, len(self.units))) if publish else ()
        sibling = Sibling(id=id_, name=name, traces=traces, units=units, published=published)
        self.siblings.append(sibling)
        return sibling

    # ------------------------------------------------------------------------------ looking

    def pairs(self) -> list[tuple[Sibling, Sibling]]:
        """All pairs of siblings, older first."""
        by_age = sorted(self.siblings, key=lambda sibling: self.chain.get(sibling.id).seq)
        return [(older, newer) for i, newer in enumerate(by_age) for older in by_age[:i]]

    def view(self, older: Sibling, newer: Sibling) -> DisputeView | None:
        """The dispute between two siblings."""
        view = self.rules.view(older.id, newer.id)
        return view and replace(view, is_moot=not (self.is_live(older) and self.is_live(newer)))

    def views(self) -> list[DisputeView]:
        """All disputes."""
        return [view for pair in self.pairs() if (view := self.view(*pair))]

    def dispute(self, one: Sibling, other: Sibling) -> DisputeView:
        """The dispute between two siblings, whichever is older."""
        view = self.view(one, other) or self.view(other, one)
        assert view is not None, "nobody opened it"
        return view

    def is_live(self, sibling: Sibling) -> bool:
        """Whether a sibling is alive."""
        return self.chain.get(sibling.id).status is AssertionStatus.LIVE

    @property
    def window_end(self) -> int:
        """t0 + T."""
        return self.chain.get(GENESIS).t0 + self.period_s

    @property
    def deadline(self) -> int:
        """t0 + 2T: by then every dispute can be ended."""
        return self.window_end + self.period_s

    @property
    def survivor(self) -> Sibling | None:
        """The only sibling alive; None while there are more."""
        live = [sibling for sibling in self.siblings if self.is_live(sibling)]
        assert live, "a sibling is always alive"
        return live[0] if len(live) == 1 else None

    @property
    def is_over(self) -> bool:
        """Whether one sibling is left and no dispute of it waits for an end."""
        waiting = [view for view in self.views() if view.stage is not Stage.OVER and not view.is_moot]
        return self.survivor is not None and not waiting

    def calls(self, *names: str, kind: str | None = None) -> list[Entry]:
        """Calls that were not refused: of some players, or of all; of a kind, or of any."""
        return [
            entry
            for entry in self.log
            if entry.refusal is None
            and (not names or entry.player in names)
            and (kind is None or entry.kind == kind)
        ]

    @property
    def n_moves(self) -> int:
        """Moves of both sides together; ends and payments need no answer."""
        return sum(1 for kind in self.kinds() if kind in MOVES)

    def kinds(self, *names: str) -> list[str]:
        """What was called, in order."""
        return [entry.kind for entry in self.calls(*names)]

    # ------------------------------------------------------------------------------ playing

    def play(self, *actors: Actor, until: int | None = None) -> "Game":
        """Let the actors play, block by block, until the game is over or it is `until`.

        Without `until` it must be over at t0 + 2T; afterwards everybody collects.
        """
        while not self.is_over and (until is None or self.now < until):
            assert self.now <= self.deadline + BLOCK_S, "somebody holds up the game"
            self.step(*actors)
        if until is None:
            self.step(*actors)
        return self

    def step(self, *actors: Actor) -> None:
        """Play one block: all decide on the same state, then their calls are made in order."""
        for name, action in [(actor.name, action) for actor in actors for action in actor.act(self)]:
            self.send(name, action)
        self.now += BLOCK_S

    def send(self, name: str, action: Sent) -> bool:
        """Make one call for somebody; return whether it was accepted."""
        value = action.bond_wei if isinstance(action, Commit) else 0
        call, refusal = self._call(account(name), value), None
        try:
            if isinstance(action, KillUnopened):
                self.chain.kill_unopened(call, action.older, action.newer)
            else:
                self.balance_wei[call.sender] += self.rules.play(call, action) - value
        except InvalidInput as error:
            refusal = type(error).__name__
            self.balance_wei[call.sender] += 0
        self.log.append(Entry(now=self.now, player=name, action=action, refusal=refusal))
        return refusal is None

    def snapshot(self) -> Callable[[], None]:
        """Remember this state; calling the result is a reorganisation back to it. Time does not go back."""
        rules, chain = self.rules, self.chain
        kept = dict(rules.disputes), dict(rules.owed_wei), rules.balance_wei, rules.burned_wei
        kept_chain = dict(chain.assertions), dict(chain.tips), chain.balance_wei
        balances, n_calls = self.balance_wei.copy(), len(self.log)

        def restore() -> None:
            rules.disputes, rules.owed_wei, rules.balance_wei, rules.burned_wei = kept
            chain.assertions, chain.tips, chain.balance_wei = kept_chain
            self.balance_wei = balances
            del self.log[n_calls:]

        return restore

    def _call(self, sender: Address, value_wei: int) -> Call:
        return Call(sender=sender, now=self.now, value_wei=value_wei, price_wei=PRICE_WEI)


def published_batches(units: Tree, n_batches: int) -> Iterable[PublishedNodes]:
    """The leaves of each batch that L1 lets anybody publish, without the padding behind the last group."""
    height = (_GROUP.bit_length() - 1) // units.log_arity
    for first in range(0, n_batches << UNIT_BITS, 1 << UNIT_BITS):
        end = units.node(UNIT_BITS // units.log_arity, first >> UNIT_BITS).end_state
        for start in range(first, first + (1 << UNIT_BITS), _GROUP):
            leaves = [units.node(0, index) for index in range(start, start + _GROUP)]
            top = CommitmentTree(units.log_arity, height, leaves, leaves[-1]).root
            if top != units.node(height, start // _GROUP):
                break
            yield PublishedNodes(level=0, first_index=start, nodes=tuple(leaves))
            if leaves[-1].hash == end:
                break
