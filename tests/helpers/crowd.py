"""A dispute with many commitments on both sides, that says how often they were looked at."""

from collections.abc import Iterator, Mapping

from optimistic.protocol.dispute.ids import Ids, Side
from optimistic.protocol.dispute.views import (
    Clocks,
    CommitmentView,
    DisputeView,
    Divergence,
    DuelView,
    Life,
    Stage,
)
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Address, Hash32

PERIOD_S = 100_000
NOBODY = Address(bytes(20))


class Counted(Mapping[Hash32, CommitmentView]):
    """Says how often it was asked."""

    def __init__(self, inner: Mapping[Hash32, CommitmentView]) -> None:
        self._inner = inner
        self.asked = 0

    def __getitem__(self, key: Hash32) -> CommitmentView:
        self.asked += 1
        return self._inner[key]

    def __iter__(self) -> Iterator[Hash32]:
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)


def id_of(side: Side, number: int) -> Hash32:
    return keccak256(bytes([side, number >> 8, number & 0xFF]))


def crowd(per_side: int, duels: dict[Ids, DuelView] | None = None) -> DisputeView:
    """A pinned dispute at time 0; commitment `n` of a side has number 2n + 1 + side."""
    commitments = {
        id_of(side, number): CommitmentView(
            side=side,
            depth=5,
            root=ZERO_HASH,
            owner=NOBODY,
            joined_at=number,
            no=2 * number + 1 + side,
            life=Life.LIVE,
            is_free=False,
            children=(),
        )
        for number in range(per_side)
        for side in Side
    }
    return DisputeView(
        older=id_of(Side.OLDER, 9_999),
        newer=id_of(Side.NEWER, 9_999),
        opened_at=0,
        walk=search(Stage.TRACE, Clocks(left=(PERIOD_S, PERIOD_S), since=0, turn=Side.OLDER)),
        commitments=Counted(commitments),
        duels={} if duels is None else duels,
    )


def search(stage: Stage, clocks: Clocks) -> DuelView:
    return DuelView(
        stage=stage,
        clocks=clocks,
        level=0,
        index=3,
        divergence=Divergence(pre=ZERO_HASH, nodes=(id_of(Side.OLDER, 1), id_of(Side.NEWER, 1))),
        children=(None, None),
        end_states=(None, None),
    )
