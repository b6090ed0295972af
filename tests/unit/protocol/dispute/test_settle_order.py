"""Disputes between the same siblings, settled in every order: the same one survives, and no wei is made."""

from itertools import permutations

import pytest

from optimistic.protocol.dispute.actions import DuelKey
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.refusals import WrongStage
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from scripts.staging.lies import Fault
from tests.helpers.dispute_stage import Stage as Table
from tests.helpers.dispute_stage import wrong_step
from tests.unit.protocol.dispute.situations import unchanged, view_of

Pair = tuple[Hash32, Hash32]
OLD_LIE, YOUNG_LIE = 2, 3
"""Units; the older liar is right about the earlier one if it is the smaller."""


def decided(table: Table, pair: Pair, right: Side, names: tuple[str, str]) -> tuple[Hash32, ...]:
    """Open a dispute at its unit and have one side's trace beaten by the other's."""
    table.play(names[1], table.opening(*pair, level=0))
    traces = table.traces(pair, right, wrong_step())
    ids = tuple(table.commit(names[side], pair, side, traces[side]) for side in Side)
    table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=(ids[0], ids[1])))
    return ids


@pytest.mark.parametrize("units", [(OLD_LIE, YOUNG_LIE), (YOUNG_LIE, OLD_LIE)])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_attack__disputes_settled_out_of_order_and_twice__same_survivor_and_no_more_money(
    order: tuple[int, ...], units: tuple[int, int]
) -> None:
    table = Table()
    names = ("first liar", "honest", "last liar")
    trees = (table.lie(Fault(unit=units[0])), table.right.units(), table.lie(Fault(unit=units[1])))
    siblings = [table.post(name, tree) for name, tree in zip(names, trees, strict=True)]
    games: list[tuple[Pair, tuple[Hash32, ...]]] = []
    for older, newer in ((0, 1), (1, 2), (0, 2)):
        right = Side.OLDER if older == 1 or (newer == 2 and units[0] > units[1]) else Side.NEWER
        pair = siblings[older], siblings[newer]
        games.append((pair, decided(table, pair, right, (names[older], names[newer]))))
    table.now += 2 * table.period_s

    for number in order:
        table.settle(games[number][0])
        unchanged(table, WrongStage, table.settle, games[number][0])

    paid = sum(table.claim(pair, name, ids) for pair, ids in games for name in (*names, "anyone"))
    again = sum(table.claim(pair, name, ids) for pair, ids in games for name in (*names, "anyone"))
    assert [table.chain.get(id_).status for id_ in siblings] == [
        AssertionStatus.DEAD,
        AssertionStatus.LIVE,
        AssertionStatus.DEAD,
    ]
    assert view_of(table, games[0][0]).winner == view_of(table, games[1][0]).winner == siblings[1]
    assert again == 0
    assert paid + table.game.burned_wei <= 2 * table.stake_wei + 6 * table.bond_wei
    assert paid >= 3 * table.bond_wei
