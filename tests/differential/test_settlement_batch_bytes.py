"""Bytes as batches: Clearing refuses what the decoder refuses and takes the rest, whatever its fills do."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement import batch_codec
from optimistic.protocol.settlement.batch_codec import Batch, MalformedBatch
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_chain import OWNER, SettlementChain
from tests.unit.protocol.settlement.test_batch_codec import batches

MALFORMED = keccak256(b"MalformedBatch(uint256)")[:4]


@cache
def chain() -> SettlementChain:
    """Contracts without markets: no fill takes effect, so examples leave nothing behind."""
    return SettlementChain()


def decodes(data: bytes) -> bool:
    try:
        batch_codec.decode(data)
    except MalformedBatch:
        return False
    return True


def settles(data: bytes) -> bool:
    try:
        assert chain().act(OWNER, "Clearing", "settleBatch", data) == 0
    except Reverted as error:
        if error.selector != MALFORMED:
            raise
        return False
    return True


@given(batches())
def test_clearing__any_batch__is_taken(batch: Batch) -> None:
    assert settles(batch_codec.encode(batch))


@given(batches(), st.data())
def test_clearing__changed_bytes__are_refused_where_the_decoder_refuses(
    batch: Batch, data: st.DataObject
) -> None:
    encoded = bytearray(batch_codec.encode(batch))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(encoded) - 1))
        encoded[place] = data.draw(st.one_of(st.integers(0, 3), st.integers(0, 255)))
    cut = data.draw(st.one_of(st.just(len(encoded)), st.integers(0, len(encoded))))
    extra = data.draw(st.binary(max_size=2))

    changed = bytes(encoded[:cut]) + extra

    assert settles(changed) == decodes(changed)


@given(st.binary(max_size=120).map(b"\x01".__add__))
def test_clearing__any_bytes__are_refused_where_the_decoder_refuses(data: bytes) -> None:
    assert settles(data) == decodes(data)
