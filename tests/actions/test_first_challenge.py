"""How soon a lie is challenged: counted in L1 blocks from the one in which it could be known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from challenger.watchtower import Watchtower
from optimistic.service.l1_events import Asserted, DisputeOpened, L1Event, Moved
from scripts.staging.lies import Fault
from tests.helpers.fight_stage import CALL, Fight

pytestmark = pytest.mark.slow

MOST_BLOCKS = 2


@pytest.fixture
def make_fight(tmp_path: Path) -> Iterator["Maker"]:
    maker = Maker(tmp_path)
    yield maker
    if maker.fight is not None:
        maker.fight.close()


class Maker:
    """Stages one fight."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.fight: Fight | None = None

    def __call__(self, *, is_older: bool, publishes: bool = False) -> Fight:
        self.fight = Fight(self._folder, Fault(unit=CALL), is_older=is_older, publishes=publishes)
        return self.fight


def live_block_by_block(fight: Fight, tower: Watchtower, blocks: int) -> None:
    """Mine blocks; between two of them the watchtower looks and sends what it then wants."""
    fight.stage.l1.set_auto_mine(False)
    assert tower.manager is not None
    for _ in range(blocks):
        tower.catch_up()
        while tower.manager.step():
            pass
        fight.stage.clock.advance(12)
        fight.stage.l1.mine()
    fight.stage.l1.set_auto_mine(True)


def block_of(fight: Fight, kind: type[L1Event]) -> int:
    """The block of the newest event of a kind."""
    return [event for event in fight.events() if isinstance(event, kind)][-1].place.block_number


@pytest.mark.parametrize("publishes", [True, False], ids=["published", "withheld"])
def test_lie__first_child__is_challenged_within_two_blocks(make_fight: Maker, publishes: bool) -> None:
    fight = make_fight(is_older=False, publishes=publishes)
    tower = fight.tower()
    known = fight.stage.client.head().number

    live_block_by_block(fight, tower, 4)

    assert block_of(fight, Asserted) == known + 1
    assert block_of(fight, DisputeOpened) <= known + MOST_BLOCKS


def test_lie__newer_and_opened__is_answered_within_two_blocks(make_fight: Maker) -> None:
    fight = make_fight(is_older=True)
    tower = fight.tower()
    fight.stage.run(tower)
    fight.liar.turn()
    known = block_of(fight, DisputeOpened)
    assert known == fight.stage.client.head().number

    live_block_by_block(fight, tower, 3)

    assert known < block_of(fight, Moved) <= known + MOST_BLOCKS
