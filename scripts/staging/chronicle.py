"""What happened in a dispute, read from L1's events: told line by line, and counted."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from challenger.model import split_unit
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.types import Address, Hash32
from optimistic.service.l1_events import (
    CommitmentDied,
    Committed,
    DisputeOpened,
    DisputeSettled,
    L1Event,
    Moved,
    Paid,
    StepProven,
    UnitPinned,
)
from optimistic.service.l1_types import Receipt
from scripts.staging.onlooker import Onlooker

Say = Callable[[str], None]

_MOVES: Final = (DisputeOpened, Moved, Committed, StepProven)
_GAME: Final = (*_MOVES, UnitPinned, CommitmentDied, DisputeSettled, Paid)


class Chronicle:
    """Follows the only dispute there is.

    Parameters
    ----------
    names : account -> what to call it
    honest : whose transactions are counted apart
    say : prints one line
    """

    def __init__(self, onlooker: Onlooker, names: Mapping[Address, str], honest: Address, say: Say) -> None:
        self._onlooker = onlooker
        self._names = names
        self._honest = honest
        self._say = say
        self._told = 0
        self._receipts: dict[Hash32, Receipt] = {}
        self._senders: dict[Hash32, Address] = {}
        self._moves: dict[Hash32, None] = {}
        self._bonds = 0
        self.unit: int | None = None
        """Index of the disputed unit in the assertion."""
        self.post: Hash32 | None = None
        """What L1 made of the disputed step."""
        self.settled: DisputeSettled | None = None
        self.paid_wei: dict[Address, int] = {}

    def update(self) -> None:
        """Tell what is new."""
        events = self._onlooker.events(self._onlooker.client.head())
        for event in events[self._told :]:
            if isinstance(event, _GAME):
                self._take(event)
        self._told = len(events)

    # ------------------------------------------------------------------------------ counting

    def counts(self) -> dict[str, Any]:
        """Return moves, transactions, gas and money of the dispute."""
        own = [receipt for hash_, receipt in self._receipts.items() if self._senders[hash_] == self._honest]
        settled = self.settled
        to_poster = settled.to_poster if settled is not None else 0
        return {
            "moves": len(self._moves),
            "honest_txs": len(own),
            "honest_gas": sum(receipt.gas_used for receipt in own),
            "total_gas": sum(receipt.gas_used for receipt in self._receipts.values()),
            "refunded_wei": max(0, self.paid_wei.get(self._honest, 0) - to_poster - self._bonds),
            "burned_wei": settled.burned if settled is not None else 0,
        }

    def _take(self, event: L1Event) -> None:
        tx_hash = event.place.tx_hash
        if tx_hash not in self._receipts:
            receipt = self._onlooker.client.receipt(tx_hash)
            transaction = self._onlooker.client.transaction(tx_hash)
            assert receipt is not None, "its events were read"
            assert transaction is not None, "its events were read"
            self._receipts[tx_hash], self._senders[tx_hash] = receipt, transaction.sender
        is_told = isinstance(event, Moved) and tx_hash in self._moves  # an opening also moves
        if isinstance(event, _MOVES):
            self._moves[tx_hash] = None
        if not is_told:
            self._tell(event, tx_hash)

    # ------------------------------------------------------------------------------ telling

    def _tell(self, event: L1Event, tx_hash: Hash32) -> None:
        gas, who = self._receipts[tx_hash].gas_used, self._name(self._senders[tx_hash])
        match event:
            case DisputeOpened(level=level):
                self._say(f"open:    {who} opens the dispute at level {level} of the unit trees ({gas} gas)")
            case UnitPinned(index=index):
                self.unit = index
                offset, within = split_unit(index)
                self._say(f"         the disputed unit is {within}, of batch {offset} of the assertion")
            case Moved():
                self._moved(event, who, gas)
            case Committed():
                self._committed(event, who, gas)
            case StepProven(post=post):
                self.post = post
                self._say(f"step:    L1 executes the one step they disagree about ({who}, {gas} gas)")
            case CommitmentDied():
                self._say("         the commitment that says otherwise is dead")
            case DisputeSettled():
                self.settled = event
                self._say(f"settle:  0x{event.winner.hex()[:16]}… has won; the other one is dead ({gas} gas)")
            case Paid(account=account, amount=amount):
                self.paid_wei[account] = self.paid_wei.get(account, 0) + amount
                self._say(f"claim:   {amount / 10**18:.6f} ETH to {self._name(account)}")

    def _moved(self, event: Moved, who: str, gas: int) -> None:
        is_walk = event.duel == event.dispute
        where = "walk:" if is_walk else "duel:"
        what = "unit" if is_walk else "step"
        at = f"{what} {event.index}" if event.level == 0 else f"level {event.level}"
        side = "older" if event.side is Side.OLDER else "newer"
        self._say(f"{where}    {who} moves for the {side} side: {at} ({gas} gas)")

    def _committed(self, event: Committed, who: str, gas: int) -> None:
        if event.owner == self._honest and not event.is_free:
            self._bonds += self._onlooker.terms.bond_wei
        under = "its stake" if event.is_free else "a bond"
        levels = "1 level" if event.depth == 1 else f"{event.depth} levels"
        self._say(f"commit:  {who} commits to all steps, {levels}, under {under} ({gas} gas)")

    def _name(self, account: Address) -> str:
        return self._names.get(account, "0x" + account.hex())
