"""The Keccak sponge: any split of any bytes digests as the whole."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sha3 import keccak_256

from optimistic.protocol.stepper.sponge import BLOCK, EMPTY, LANES, InvalidBlocks, absorb, finish

LONGEST = 6 * BLOCK


@given(data=st.binary(max_size=LONGEST), split=st.integers(0, 6))
@example(data=b"", split=0)
@example(data=b"\xff" * (BLOCK - 1), split=0)
@example(data=b"\xff" * BLOCK, split=1)
def test_sponge__split_at_any_block__digests_as_the_whole(data: bytes, split: int) -> None:
    end = len(data) - len(data) % BLOCK
    cut = min(split * BLOCK, end)

    sponge = absorb(absorb(EMPTY, data[:cut]), data[cut:end])

    assert finish(sponge, data[end:]) == keccak_256(data).digest()


@given(blocks=st.integers(0, 3).flatmap(lambda n: st.binary(min_size=n * BLOCK, max_size=n * BLOCK)))
def test_sponge__after_any_blocks__is_25_lanes_of_64_bits(blocks: bytes) -> None:
    sponge = absorb(EMPTY, blocks)

    assert len(sponge) == LANES
    assert all(0 <= lane < 1 << 64 for lane in sponge)
    assert (sponge == EMPTY) == (not blocks)


@pytest.mark.parametrize("size", range(BLOCK))
def test_finish__every_length_of_tail__is_padded(size: int) -> None:
    assert finish(EMPTY, b"\xa5" * size) == keccak_256(b"\xa5" * size).digest()


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK + 1])
def test_absorb__part_of_a_block__is_refused(size: int) -> None:
    with pytest.raises(InvalidBlocks):
        absorb(EMPTY, bytes(size))


@pytest.mark.parametrize("size", [BLOCK, BLOCK + 1])
def test_finish__whole_block__is_refused(size: int) -> None:
    with pytest.raises(InvalidBlocks):
        finish(EMPTY, bytes(size))
