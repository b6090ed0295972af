"""What traders sign: orders, and one signature for a tree of quotes.

Typed data (EIP-712) in the domain ("Clearing", "1", chain id, contract)::

    Order(uint64 subaccount,uint32 market,bool isBuy,uint256 sizeWad,uint256 priceWad,
          uint32 maxFeePips,uint64 expiry,uint64 nonce,uint8 flags)
    Quotes(uint64 subaccount,uint32 market,uint32 maxFeePips,uint64 expiry,uint64 nonce,bytes32 root)

The digest that is signed names an order everywhere. The words are packed by
hand, because the exchange hashes thousands of orders per second.

Source: docs/spec/11-settlement.md §11.6; EIP-712, EIP-2, EIP-2098
"""

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Any, Final, NamedTuple

from optimistic.protocol.constants import CLEARING
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Address, Hash32

REDUCE_ONLY: Final = 1 << 0
POST_ONLY: Final = 1 << 1
TIME_IN_FORCE_SHIFT: Final = 2
"""Bits 2 and 3: 0 GTC, 1 GTD, 2 IOC, 3 FOK; between the signer and the exchange, no rule of Clearing."""
MAX_FLAGS: Final = 15
MAX_LOTS: Final = (1 << 48) - 1
MAX_TICKS: Final = (1 << 40) - 1
MAX_EXPIRY: Final = (1 << 40) - 1
MAX_FEE_PIPS: Final = (1 << 24) - 1
MAX_LEAF_INDEX: Final = (1 << 16) - 1

_DOMAIN_FIELDS: Final = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
_ORDER_FIELDS: Final = (
    ("subaccount", "uint64"),
    ("market", "uint32"),
    ("isBuy", "bool"),
    ("sizeWad", "uint256"),
    ("priceWad", "uint256"),
    ("maxFeePips", "uint32"),
    ("expiry", "uint64"),
    ("nonce", "uint64"),
    ("flags", "uint8"),
)
_QUOTES_FIELDS: Final = (
    ("subaccount", "uint64"),
    ("market", "uint32"),
    ("maxFeePips", "uint32"),
    ("expiry", "uint64"),
    ("nonce", "uint64"),
    ("root", "bytes32"),
)


def _type_hash(name: str, fields: tuple[tuple[str, str], ...]) -> Hash32:
    """Hash of the EIP-712 encoding of a type."""
    members = ",".join(f"{kind} {field}" for field, kind in fields)
    return keccak256(f"{name}({members})".encode())


_DOMAIN_TYPE: Final = _type_hash("EIP712Domain", _DOMAIN_FIELDS)
ORDER_TYPE: Final = _type_hash("Order", _ORDER_FIELDS)
QUOTES_TYPE: Final = _type_hash("Quotes", _QUOTES_FIELDS)
_NAME: Final = keccak256(b"Clearing")
_VERSION: Final = keccak256(b"1")

_ORDER_WORDS: Final = Struct(">32s24xQ28xI31x?32s32s28xI24xQ24xQ31xB")
_QUOTES_WORDS: Final = Struct(">32s24xQ28xI28xI24xQ24xQ32s")


class Steps(NamedTuple):
    """The steps of a market: what a tick and a lot are in WAD."""

    tick_wad: int
    lot_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as signed; size and price in lots and ticks of its market.

    Attributes
    ----------
    max_fee_pips : most the order pays of its notional, in millionths
    expiry : last Unix second at which it may be filled
    nonce : dead once the owner's floor is above it
    flags : REDUCE_ONLY, POST_ONLY, time in force
    """

    subaccount: SubaccountId
    market: MarketId
    is_buy: bool
    lots: int
    ticks: int
    max_fee_pips: int
    expiry: int
    nonce: int
    flags: int = 0

    @property
    def is_reduce_only(self) -> bool:
        """Whether it may only bring its position nearer to zero."""
        return bool(self.flags & REDUCE_ONLY)

    @property
    def is_post_only(self) -> bool:
        """Whether it may only make."""
        return bool(self.flags & POST_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """What one signature over a tree of quotes says; the words mean what they mean in an `Order`."""

    subaccount: SubaccountId
    market: MarketId
    max_fee_pips: int
    expiry: int
    nonce: int
    root: Hash32


@lru_cache(maxsize=64)
def domain_separator(chain_id: int, contract: Address = CLEARING) -> Hash32:
    """Return the EIP-712 domain separator of Clearing on a chain."""
    return keccak256(abi_words(_DOMAIN_TYPE, _NAME, _VERSION, chain_id, contract))


def order_digest(separator: Hash32, order: Order, steps: Steps) -> Hash32:
    """Return the 32 bytes an order's signer signs, which are also the order's key.

    Parameters
    ----------
    separator : `domain_separator` of the chain
    steps : of the order's market
    """
    return keccak256(
        b"\x19\x01"
        + separator
        + keccak256(
            _ORDER_WORDS.pack(
                ORDER_TYPE,
                order.subaccount,
                order.market,
                order.is_buy,
                (order.lots * steps.lot_wad).to_bytes(32, "big"),
                (order.ticks * steps.tick_wad).to_bytes(32, "big"),
                order.max_fee_pips,
                order.expiry,
                order.nonce,
                order.flags,
            )
        )
    )


def quotes_digest(separator: Hash32, quotes: Quotes) -> Hash32:
    """Return the 32 bytes the signer of a tree of quotes signs, which are also the key of its fills."""
    words = _QUOTES_WORDS.pack(
        QUOTES_TYPE,
        quotes.subaccount,
        quotes.market,
        quotes.max_fee_pips,
        quotes.expiry,
        quotes.nonce,
        quotes.root,
    )
    return keccak256(b"\x19\x01" + separator + keccak256(words))


def leaf_key(digest: Hash32, index: int) -> Hash32:
    """Return the key of one quote in events: the hash of the signed digest and its index."""
    return keccak256(digest + index.to_bytes(32, "big"))


def order_typed_data(chain_id: int, order: Order, steps: Steps) -> dict[str, Any]:
    """Return an order as the JSON object that wallets sign (eth_signTypedData_v4)."""
    message = {
        "subaccount": order.subaccount,
        "market": order.market,
        "isBuy": order.is_buy,
        "sizeWad": order.lots * steps.lot_wad,
        "priceWad": order.ticks * steps.tick_wad,
        "maxFeePips": order.max_fee_pips,
        "expiry": order.expiry,
        "nonce": order.nonce,
        "flags": order.flags,
    }
    return _typed_data(chain_id, "Order", _ORDER_FIELDS, message)


def quotes_typed_data(chain_id: int, quotes: Quotes) -> dict[str, Any]:
    """Return a tree of quotes as the JSON object that wallets sign."""
    message = {
        "subaccount": quotes.subaccount,
        "market": quotes.market,
        "maxFeePips": quotes.max_fee_pips,
        "expiry": quotes.expiry,
        "nonce": quotes.nonce,
        "root": "0x" + quotes.root.hex(),
    }
    return _typed_data(chain_id, "Quotes", _QUOTES_FIELDS, message)


def _typed_data(
    chain_id: int, name: str, fields: tuple[tuple[str, str], ...], message: dict[str, Any]
) -> dict[str, Any]:
    """Types, domain and message."""
    types = {"EIP712Domain": _DOMAIN_FIELDS, name: fields}
    return {
        "types": {
            owner: [{"name": field, "type": kind} for field, kind in members]
            for owner, members in types.items()
        },
        "primaryType": name,
        "domain": {
            "name": "Clearing",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": "0x" + CLEARING.hex(),
        },
        "message": message,
    }
