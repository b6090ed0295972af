"""Memory of Clearing on its bytecode: what it needs it needs per order and subaccount, not per fill."""

import pytest

from tests.bench.settlement_lane import few_orders, memory_bytes
from tests.helpers.settlement_engine import SettlementEngine

FILL_BYTES = 10
"""Of a fill in the batch, all of which is copied once to be hashed."""


def memory_of(fills: int) -> int:
    """Bytes of a batch of one maker and twenty takers."""
    world = SettlementEngine()
    return memory_bytes(world, *few_orders(world, fills))


@pytest.mark.parametrize(
    ("fewer", "more", "most"), [(25, 50, 2), (50, 100, 2), (100, 200, 2), (200, 400, 1 + FILL_BYTES)]
)
def test_memory__fills_of_orders_that_are_there__take_a_byte_and_their_copy(
    fewer: int, more: int, most: int
) -> None:
    assert memory_of(more) - memory_of(fewer) <= most * (more - fewer)
