from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.matching.depth import Depth

CHANGES = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 30), st.integers(0, 9)), max_size=80)


@given(CHANGES)
def test_depth__any_changes__equals_two_sorted_dicts(changes: list[tuple[int, int, int]]) -> None:
    depth, reference = Depth(), ({}, {})  # type: tuple[Depth, tuple[dict[int, int], dict[int, int]]]
    for side, ticks, lots in changes:
        depth.apply([(side, ticks, lots)])
        reference[side][ticks] = lots

    bids = sorted(((t, n) for t, n in reference[0].items() if n), reverse=True)
    asks = sorted((t, n) for t, n in reference[1].items() if n)
    assert depth.best(5) == (bids[:5], asks[:5])
    assert Depth(bids, asks).checksum() == depth.checksum()
    assert (len(depth.sides[0]), depth.sides[1].lots_at(7)) == (len(bids), reference[1].get(7, 0))


def test_checksum__its_text__is_the_one_in_the_specification() -> None:
    depth = Depth([(99, 2), (100, 1)], [(101, 3)])

    assert depth.checksum() == crc32(b"100:1,99:2,101:3")
    assert Depth().checksum() == 0
