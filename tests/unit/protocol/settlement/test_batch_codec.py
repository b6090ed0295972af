"""Batches there and back, and bytes that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement import batch_codec
from optimistic.protocol.settlement.batch_codec import Batch, Fill, MalformedBatch, SignedOrder, SignedQuotes
from optimistic.protocol.settlement.orders import Order, Quotes
from optimistic.protocol.settlement.quote_trees import Leaf, QuoteTree
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from tests.unit.protocol.settlement.test_orders import ORDERS, uints

SIGNATURE = bytes(range(64))
SIGNED_ORDERS = st.builds(SignedOrder, order=ORDERS, signature=st.binary(min_size=64, max_size=64))


@st.composite
def signed_quotes(draw: st.DrawFn) -> SignedQuotes:
    count = draw(st.integers(1, 9))
    leaves = [Leaf(i, draw(st.booleans()), draw(uints(48)), draw(uints(40))) for i in range(count)]
    tree = QuoteTree(leaves)
    quotes = Quotes(
        subaccount=SubaccountId(draw(uints(64))),
        market=MarketId(draw(uints(32))),
        max_fee_pips=draw(uints(24)),
        expiry=draw(uints(40)),
        nonce=draw(uints(64)),
        root=tree.root,
    )
    program = tree.program(draw(st.lists(st.integers(0, count - 1), unique=True)))
    return SignedQuotes(quotes=quotes, signature=draw(st.binary(min_size=64, max_size=64)), program=program)


@st.composite
def batches(draw: st.DrawFn, *, has_takers: bool = True) -> Batch:
    quotes = tuple(draw(st.lists(signed_quotes(), max_size=3)))
    orders = tuple(draw(st.lists(SIGNED_ORDERS, max_size=4)))
    n_entries = len(orders) + sum(len(item.leaves) for item in quotes)
    fills: tuple[Fill, ...] = ()
    if n_entries:
        number = st.integers(0, n_entries - 1)
        taker = number if has_takers else st.just(batch_codec.NO_TAKER)
        fills = tuple(draw(st.lists(st.builds(Fill, number, taker, st.integers(1, 2**48 - 1)), max_size=5)))
    used = {*(item.quotes.market for item in quotes), *(item.order.market for item in orders)}
    extra = sorted(draw(st.sets(uints(32).map(MarketId), max_size=2)) - used)
    return Batch(quotes=quotes, orders=orders, fills=fills, extra_markets=tuple(extra))


def order(**changes: int) -> Order:
    fields = {"lots": 5, "ticks": 7, "max_fee_pips": 400, "expiry": 9, "nonce": 11} | changes
    return Order(subaccount=SubaccountId(16), market=MarketId(1), is_buy=True, **fields)


PLAIN = Batch(
    orders=(
        SignedOrder(order=order(), signature=SIGNATURE),
        SignedOrder(order=order(nonce=12), signature=SIGNATURE),
    ),
    fills=(Fill(0, 1, 3),),
)


@given(batches())
def test_decode__any_batch__gives_it_back(batch: Batch) -> None:
    assert batch_codec.decode(batch_codec.encode(batch)) == batch


@given(batches(has_takers=False))
def test_decode__makers_of_a_liquidation__gives_them_back(batch: Batch) -> None:
    assert batch_codec.decode(batch_codec.encode(batch), has_takers=False) == batch


def test_encode__one_order__is_laid_out_as_documented() -> None:
    batch = Batch(orders=(SignedOrder(order=order(flags=1), signature=SIGNATURE),), fills=(Fill(0, 0, 3),))

    expected = (
        "01"
        "01 0000000000000010"
        "01 00000001"
        "00 0001 0001"
        "00 00 81 000000000005 0000000007 000190 0000000009 000000000000000b"
        + SIGNATURE.hex()
        + "0000 0000 000000000003"
    )
    assert batch_codec.encode(batch) == bytes.fromhex(expected)


@given(batches(), st.data())
def test_decode__a_byte_more_or_less__is_malformed(batch: Batch, data: st.DataObject) -> None:
    encoded = batch_codec.encode(batch)
    cut = data.draw(st.integers(0, len(encoded) - 1))

    for bad in (encoded[:cut], encoded + b"\x00"):
        with pytest.raises(MalformedBatch):
            batch_codec.decode(bad)


@given(st.binary(max_size=200).map(b"\x01".__add__))
def test_decode__any_bytes__decode_strictly_or_not_at_all(data: bytes) -> None:
    try:
        batch = batch_codec.decode(data)
    except MalformedBatch:
        return
    assert batch_codec.decode(batch_codec.encode(batch)) == batch


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("version", "02 00 00 00 0000 0000"),
        ("subaccounts not ascending", "01 02 0000000000000010 0000000000000010 00 00 0000 0000"),
        ("markets not ascending", "01 00 02 00000002 00000001 00 0000 0000"),
        ("fill without entries", "01 00 00 00 0000 0001 0000 0000 000000000001"),
        ("trailing", "01 00 00 00 0000 0000 00"),
    ],
)
def test_attack__malformed_batch__is_refused(name: str, data: str) -> None:
    with pytest.raises(MalformedBatch):
        batch_codec.decode(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("place", "value"), [(0, 2), (19, 2), (20, 1), (21, 1), (22, 0x91), (-6, 0xFF), (-8, 9), (-10, 9)]
)
def test_attack__one_wrong_byte__is_refused(place: int, value: int) -> None:
    data = bytearray(batch_codec.encode(PLAIN))
    data[place] = value
    if place == -6:
        data[-6:] = bytes(6)

    with pytest.raises(MalformedBatch):
        batch_codec.decode(bytes(data))


@pytest.mark.parametrize(
    "bad", [order(lots=2**48), order(ticks=2**40), order(max_fee_pips=2**24), order(flags=16)]
)
def test_encode__number_that_does_not_fit__is_refused(bad: Order) -> None:
    with pytest.raises(InvalidInput):
        batch_codec.encode(Batch(orders=(SignedOrder(order=bad, signature=SIGNATURE),)))


def test_encode__program_of_another_root__is_refused() -> None:
    tree = QuoteTree([Leaf(0, True, 1, 1)])
    quotes = Quotes(
        subaccount=SubaccountId(16), market=MarketId(1), max_fee_pips=0, expiry=0, nonce=0, root=tree.root
    )
    program = QuoteTree([Leaf(0, True, 2, 1)]).program([0])

    with pytest.raises(InvalidInput):
        batch_codec.encode(Batch(quotes=(SignedQuotes(quotes=quotes, signature=SIGNATURE, program=program),)))
