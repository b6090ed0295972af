"""The Keccak sponge: both languages come from any lanes to the same lanes and digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.sponge import BLOCK, LANES, InvalidBlocks, absorb, finish
from tests.helpers.contract_host import ContractHost, Reverted

REFUSED = keccak256(b"InvalidBlocks()")[:4]
sponges = st.lists(st.integers(0, 2**64 - 1), min_size=LANES, max_size=LANES).map(tuple)
whole_blocks = st.integers(0, 4).flatmap(lambda n: st.binary(min_size=n * BLOCK, max_size=n * BLOCK))


@pytest.fixture(scope="module")
def keccak() -> ContractHost:
    return ContractHost("KeccakHarness")


@given(sponge=sponges, blocks=whole_blocks)
def test_absorb__any_lanes_and_blocks__agrees(
    keccak: ContractHost, sponge: tuple[int, ...], blocks: bytes
) -> None:
    for function in ("absorb", "absorbMemory"):
        (lanes,) = keccak.call(f"{function}(uint64[25],bytes)->(uint64[25])", sponge, blocks)

        assert tuple(lanes) == absorb(sponge, blocks)


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK + 1])
def test_absorb__part_of_a_block__both_refuse(keccak: ContractHost, size: int) -> None:
    sponge = (0,) * LANES

    with pytest.raises(InvalidBlocks):
        absorb(sponge, bytes(size))
    for function in ("absorb", "absorbMemory"):
        with pytest.raises(Reverted) as refusal:
            keccak.call(f"{function}(uint64[25],bytes)->(uint64[25])", sponge, bytes(size))
        assert refusal.value.selector == REFUSED


@given(sponge=sponges, tail=st.binary(max_size=BLOCK - 1))
def test_finish__any_lanes_and_tail__agrees(
    keccak: ContractHost, sponge: tuple[int, ...], tail: bytes
) -> None:
    for function in ("finish", "finishMemory"):
        (digest,) = keccak.call(f"{function}(uint64[25],bytes)->(bytes32)", sponge, tail)

        assert digest == finish(sponge, tail)


@pytest.mark.parametrize("size", [BLOCK, BLOCK + 1, 300])
def test_finish__whole_block__both_refuse(keccak: ContractHost, size: int) -> None:
    sponge = (0,) * LANES

    with pytest.raises(InvalidBlocks):
        finish(sponge, bytes(size))
    with pytest.raises(Reverted) as refusal:
        keccak.call("finish(uint64[25],bytes)->(bytes32)", sponge, bytes(size))
    assert refusal.value.selector == REFUSED
