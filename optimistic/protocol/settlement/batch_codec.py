"""The bytes of a batch of fills, as Clearing reads them.

Header, tables of subaccounts and markets, trees of quotes, orders, fills; all
numbers big-endian. Decoding is strict: it takes what the contract takes and
nothing else.

Source: docs/spec/11-settlement.md §11.6
Twin: solidity/src/libraries/settlement/BatchCodec.sol
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.orders import MAX_FLAGS, Order, Quotes
from optimistic.protocol.settlement.quote_trees import Leaf, Node, Op, program_root
from optimistic.protocol.settlement.signatures import SIGNATURE_BYTES
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Hash32

VERSION: Final = 1
NO_TAKER: Final = 0xFFFF
"""The taker of every fill in the makers' batch of a liquidation."""

_IS_BUY_BIT: Final = 7
_OP_HASH: Final = b"\x00"
_OP_LEAF: Final = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOrder:
    """An order and its signature of 64 bytes (EIP-2098)."""

    order: Order
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedQuotes:
    """A signature over a tree of quotes, and the program that rebuilds its root; what it shows can fill."""

    quotes: Quotes
    signature: bytes
    program: tuple[Op, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The quotes it shows, in the order of the program."""
        return tuple(op for op in self.program if isinstance(op, Leaf))


class Fill(NamedTuple):
    """One match, at the maker's price.

    Attributes
    ----------
    maker, taker : numbers of entries: first the quotes that programs show, in their order, then the orders
    """

    maker: int
    taker: int
    lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Signed quotes and orders, and what was matched between them, in the order of the matches.

    Attributes
    ----------
    extra_markets : ascending, of no entry; Clearing brings them up to the latest price too, which the
        margin of those who hold them wants
    """

    quotes: tuple[SignedQuotes, ...] = ()
    orders: tuple[SignedOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    extra_markets: tuple[MarketId, ...] = ()


class MalformedBatch(InvalidInput):
    """Bytes that are no batch; Clearing reverts on them."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"malformed batch at byte {offset}")
        self.offset = offset


# ------------------------------------------------------------------------------------------------ encoding


def encode(batch: Batch) -> bytes:
    """Return the bytes of a batch.

    Raises
    ------
    InvalidInput : a number does not fit its field, a table has more than 255 entries,
        a signature is not 64 bytes, or a program does not rebuild its root
    """
    signed: list[Order | Quotes] = [
        *(item.quotes for item in batch.quotes),
        *(item.order for item in batch.orders),
    ]
    subaccounts = {subaccount: i for i, subaccount in enumerate(sorted({item.subaccount for item in signed}))}
    markets = {
        market: i
        for i, market in enumerate(sorted({*batch.extra_markets, *(item.market for item in signed)}))
    }
    parts = [bytes((VERSION,)), _packed(1, len(subaccounts))]
    parts += [_packed(8, subaccount) for subaccount in subaccounts]
    parts += [_packed(1, len(markets)), *(_packed(4, market) for market in markets)]
    parts += [_packed(1, len(batch.quotes)), _packed(2, len(batch.orders)), _packed(2, len(batch.fills))]
    for item in batch.quotes:
        place = bytes((subaccounts[item.quotes.subaccount], markets[item.quotes.market]))
        parts += [place, _encode_quotes(item)]
    for entry in batch.orders:
        place = bytes((subaccounts[entry.order.subaccount], markets[entry.order.market]))
        parts += [place, _encode_order(entry)]
    parts += [
        _packed(2, fill.maker) + _packed(2, fill.taker) + _packed(6, _positive(fill.lots))
        for fill in batch.fills
    ]
    return b"".join(parts)


def _packed(width: int, value: int) -> bytes:
    """A number in `width` bytes."""
    if not 0 <= value < 1 << 8 * width:
        raise InvalidInput(f"{value} does not fit {width} bytes")
    return int(value).to_bytes(width, "big")


def _positive(lots: int) -> int:
    """The lots of a fill, checked."""
    if lots == 0:
        raise InvalidInput("a fill of nothing")
    return lots


def _terms(item: Order | Quotes, signature: bytes) -> bytes:
    """What quotes and orders have in common."""
    if len(signature) != SIGNATURE_BYTES:
        raise InvalidInput(f"a signature of {len(signature)} bytes")
    return _packed(3, item.max_fee_pips) + _packed(5, item.expiry) + _packed(8, item.nonce) + bytes(signature)


def _encode_quotes(item: SignedQuotes) -> bytes:
    """A quotes entry after its two places."""
    if program_root(item.program) != item.quotes.root:
        raise InvalidInput("the program rebuilds another root")
    ops = b"".join(map(_encode_op, item.program))
    return _terms(item.quotes, item.signature) + _packed(2, len(item.program)) + ops


def _encode_op(op: Op) -> bytes:
    """One instruction."""
    if isinstance(op, Leaf):
        return (
            _OP_LEAF + _packed(2, op.index) + bytes((op.is_buy,)) + _packed(6, op.lots) + _packed(5, op.ticks)
        )
    return bytes((op,)) if isinstance(op, Node) else _OP_HASH + op


def _encode_order(entry: SignedOrder) -> bytes:
    """An order entry after its two places."""
    order = entry.order
    if order.flags > MAX_FLAGS:
        raise InvalidInput(f"unknown flags {order.flags}")
    side = _packed(1, order.is_buy << _IS_BUY_BIT | order.flags)
    return side + _packed(6, order.lots) + _packed(5, order.ticks) + _terms(order, entry.signature)


# ------------------------------------------------------------------------------------------------ decoding


class _Reader:
    """A place in the bytes of a batch."""

    __slots__ = ("_data", "offset")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        end = self.offset + size
        if end > len(self._data):
            raise MalformedBatch(self.offset)
        piece, self.offset = self._data[self.offset : end], end
        return piece

    def number(self, size: int) -> int:
        """Return the next number."""
        return int.from_bytes(self.take(size), "big")

    def below(self, size: int, limit: int) -> int:
        """Return the next number, which must be below `limit`."""
        start = self.offset
        value = self.number(size)
        if value >= limit:
            raise MalformedBatch(start)
        return value

    def ascending(self, size: int) -> tuple[int, ...]:
        """Return a table of numbers, each greater than the one before."""
        values: list[int] = []
        for _ in range(self.number(1)):
            start = self.offset
            values.append(self.number(size))
            if len(values) > 1 and values[-1] <= values[-2]:
                raise MalformedBatch(start)
        return tuple(values)

    def require_end(self) -> None:
        """Require that nothing follows."""
        if self.offset != len(self._data):
            raise MalformedBatch(self.offset)


def decode(data: bytes, *, has_takers: bool = True) -> Batch:
    """Return the batch that `data` stands for.

    Parameters
    ----------
    has_takers : False for the makers of a liquidation, whose fills name `NO_TAKER`

    Raises
    ------
    MalformedBatch : Clearing reverts on it
    """
    reader = _Reader(data)
    if reader.number(1) != VERSION:
        raise MalformedBatch(0)
    subaccounts = tuple(map(SubaccountId, reader.ascending(8)))
    markets = tuple(map(MarketId, reader.ascending(4)))
    n_quotes, n_orders, n_fills = reader.number(1), reader.number(2), reader.number(2)
    quotes = tuple(_decode_quotes(reader, subaccounts, markets) for _ in range(n_quotes))
    orders = tuple(_decode_order(reader, subaccounts, markets) for _ in range(n_orders))
    n_entries = len(orders) + sum(len(item.leaves) for item in quotes)
    fills = tuple(_decode_fill(reader, n_entries, has_takers) for _ in range(n_fills))
    reader.require_end()
    used = {*(item.quotes.market for item in quotes), *(item.order.market for item in orders)}
    extra_markets = tuple(market for market in markets if market not in used)
    return Batch(quotes=quotes, orders=orders, fills=fills, extra_markets=extra_markets)


def _decode_quotes(
    reader: _Reader, subaccounts: tuple[SubaccountId, ...], markets: tuple[MarketId, ...]
) -> SignedQuotes:
    """Read one tree of quotes."""
    subaccount = subaccounts[reader.below(1, len(subaccounts))]
    market = markets[reader.below(1, len(markets))]
    max_fee_pips, expiry, nonce = reader.number(3), reader.number(5), reader.number(8)
    signature = reader.take(SIGNATURE_BYTES)
    program = _decode_program(reader)
    root = program_root(program)
    if root is None:
        raise MalformedBatch(reader.offset)
    quotes = Quotes(
        subaccount=subaccount,
        market=market,
        max_fee_pips=max_fee_pips,
        expiry=expiry,
        nonce=nonce,
        root=root,
    )
    return SignedQuotes(quotes=quotes, signature=signature, program=program)


def _decode_program(reader: _Reader) -> tuple[Op, ...]:
    """Read the instructions of a tree; every one must find what it needs on the stack."""
    ops: list[Op] = []
    height = 0
    for _ in range(reader.number(2)):
        start = reader.offset
        kind = reader.below(1, 3)
        height += -1 if kind == Node.JOIN else 1
        if height < 1:
            raise MalformedBatch(start)
        if kind == Node.JOIN:
            ops.append(Node.JOIN)
        elif kind:
            ops.append(Leaf(reader.number(2), bool(reader.below(1, 2)), reader.number(6), reader.number(5)))
        else:
            ops.append(Hash32(reader.take(32)))
    return tuple(ops)


def _decode_order(
    reader: _Reader, subaccounts: tuple[SubaccountId, ...], markets: tuple[MarketId, ...]
) -> SignedOrder:
    """Read one order."""
    subaccount = subaccounts[reader.below(1, len(subaccounts))]
    market = markets[reader.below(1, len(markets))]
    start = reader.offset
    side = reader.number(1)
    flags = side & ((1 << _IS_BUY_BIT) - 1)
    if flags > MAX_FLAGS:
        raise MalformedBatch(start)
    order = Order(
        subaccount=subaccount,
        market=market,
        is_buy=bool(side >> _IS_BUY_BIT),
        lots=reader.number(6),
        ticks=reader.number(5),
        max_fee_pips=reader.number(3),
        expiry=reader.number(5),
        nonce=reader.number(8),
        flags=flags,
    )
    return SignedOrder(order=order, signature=reader.take(SIGNATURE_BYTES))


def _decode_fill(reader: _Reader, n_entries: int, has_takers: bool) -> Fill:
    """Read one fill."""
    start = reader.offset
    maker = reader.below(2, n_entries)
    taker_at = reader.offset
    taker = reader.number(2)
    if taker >= n_entries if has_takers else taker != NO_TAKER:
        raise MalformedBatch(taker_at)
    lots = reader.number(6)
    if lots == 0:
        raise MalformedBatch(start)
    return Fill(maker, taker, lots)
