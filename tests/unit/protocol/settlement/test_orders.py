"""Digests against eth_account's encoding of typed data, trees against a plain fold, signatures."""

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement import orders, quote_trees, signatures
from optimistic.protocol.settlement.orders import Order, Quotes, Steps
from optimistic.protocol.settlement.quote_trees import Leaf, Node, QuoteTree
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Hash32

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = Account.from_key("0x" + "11" * 32)


def uints(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


ORDERS = st.builds(
    Order,
    subaccount=uints(64).map(SubaccountId),
    market=uints(32).map(MarketId),
    is_buy=st.booleans(),
    lots=uints(48),
    ticks=uints(40),
    max_fee_pips=uints(24),
    expiry=uints(40),
    nonce=uints(64),
    flags=uints(4),
)
QUOTES = st.builds(
    Quotes,
    subaccount=uints(64).map(SubaccountId),
    market=uints(32).map(MarketId),
    max_fee_pips=uints(24),
    expiry=uints(40),
    nonce=uints(64),
    root=st.binary(min_size=32, max_size=32).map(Hash32),
)
STEPS = st.builds(Steps, tick_wad=st.integers(1, 10**24), lot_wad=st.integers(1, 10**24))


@given(ORDERS, STEPS, uints(64))
def test_order_digest__any_order__is_what_a_wallet_signs(order: Order, steps: Steps, chain_id: int) -> None:
    message = encode_typed_data(full_message=orders.order_typed_data(chain_id, order, steps))

    digest = orders.order_digest(orders.domain_separator(chain_id), order, steps)

    assert digest == Hash32(_hash_eip191_message(message))


@given(QUOTES, uints(64))
def test_quotes_digest__any_quotes__is_what_a_wallet_signs(quotes: Quotes, chain_id: int) -> None:
    message = encode_typed_data(full_message=orders.quotes_typed_data(chain_id, quotes))

    assert orders.quotes_digest(orders.domain_separator(chain_id), quotes) == Hash32(
        _hash_eip191_message(message)
    )


def test_leaf_hash__one_quote__covers_fifteen_bytes() -> None:
    leaf = Leaf(index=0x0102, is_buy=True, lots=0x030405060708, ticks=0x090A0B0C0D)

    assert quote_trees.leaf_hash(leaf) == keccak256(bytes.fromhex("00 0102 01 030405060708 090a0b0c0d"))


def leaves_of(count: int) -> list[Leaf]:
    return [Leaf(index=i, is_buy=i % 2 == 0, lots=i + 1, ticks=100 + i) for i in range(count)]


@given(st.integers(1, 40), st.data())
def test_program__any_subset__rebuilds_the_root_and_shows_it(count: int, data: st.DataObject) -> None:
    tree = QuoteTree(leaves_of(count))
    places = data.draw(st.lists(st.integers(0, count - 1), unique=True))

    ops = tree.program(places)

    assert quote_trees.program_root(ops) == tree.root
    assert [op for op in ops if isinstance(op, Leaf)] == [tree.leaves[place] for place in sorted(places)]


def test_program__one_of_five__shows_the_rest_as_two_hashes() -> None:
    tree = QuoteTree(leaves_of(5))
    a, b = (quote_trees.leaf_hash(leaf) for leaf in tree.leaves[:2])

    ops = tree.program([2])

    hidden = quote_trees.node_hash(a, b)
    last = [quote_trees.leaf_hash(leaf) for leaf in tree.leaves[3:]]
    assert ops == (hidden, tree.leaves[2], last[0], Node.JOIN, Node.JOIN, last[1], Node.JOIN)


@pytest.mark.parametrize("ops", [(), (Node.JOIN,), (Hash32(bytes(32)), Node.JOIN), (Hash32(bytes(32)),) * 2])
def test_program_root__stack_that_does_not_end_in_one__is_none(ops: tuple[quote_trees.Op, ...]) -> None:
    assert quote_trees.program_root(ops) is None


@pytest.mark.parametrize("leaves", [[], [Leaf(3, True, 1, 1), Leaf(3, False, 2, 2)]])
def test_tree__nothing_or_one_index_twice__is_refused(leaves: list[Leaf]) -> None:
    with pytest.raises(InvalidInput):
        QuoteTree(leaves)


@given(st.binary(min_size=32, max_size=32))
def test_recover__signature_of_a_wallet__names_it(message: bytes) -> None:
    digest = keccak256(message)
    signed = KEY.unsafe_sign_hash(digest)

    signature = signatures.compact_signature(signed.r, signed.s, signed.v - 27)

    assert signatures.recover(digest, signature) == bytes.fromhex(KEY.address[2:])


def test_attack__high_s__is_no_signature() -> None:
    digest = keccak256(b"message")
    signed = KEY.unsafe_sign_hash(digest)
    high = CURVE_ORDER - signed.s

    with pytest.raises(InvalidInput):
        signatures.compact_signature(signed.r, high, 28 - signed.v)
    raw = signed.r.to_bytes(32, "big") + (high | (28 - signed.v) << 255).to_bytes(32, "big")
    assert signatures.recover(digest, raw) != bytes.fromhex(KEY.address[2:])


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, bytes(65), b"\x01" * 63, bytes(63) + b"\x01"])
def test_attack__signature_out_of_range__recovers_nobody(signature: bytes) -> None:
    assert signatures.recover(keccak256(b""), signature) is None
