"""Signed transactions: strict decoding, sender recovery, intrinsic gas, validity.

This is the decoder of record. It accepts exactly the canonical encodings of
types 0, 1 and 2 that Ethereum accepts; libraries used elsewhere are more
lenient in places and are never asked. Whatever fails here is skipped by the
derivation, so nothing in this module may depend on anything but its arguments.

Source: docs/spec/04-execution.md; EIP-155, EIP-2, EIP-2718, EIP-2930, EIP-1559,
EIP-2681, EIP-3607, EIP-3860
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from coincurve import PublicKey

from optimistic.protocol.accounts import EMPTY_CODE_HASH, MAX_NONCE, Account
from optimistic.protocol.constants import (
    MAX_INITCODE_BYTES,
    TX_ACCESS_ADDRESS_GAS,
    TX_ACCESS_KEY_GAS,
    TX_BASE_GAS,
    TX_CREATE_GAS,
    TX_DATA_NONZERO_GAS,
    TX_DATA_ZERO_GAS,
    TX_INITCODE_WORD_GAS,
)
from optimistic.protocol.engine import Lane, lane_of
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.strict_rlp import (
    EMPTY_STRING,
    InvalidRlp,
    RlpItem,
    decode_int,
    decode_list,
    encode_int,
    encode_string,
    item_bounds,
    join_list,
    split_list,
    string_payload,
)
from optimistic.protocol.types import Address, Hash32

LEGACY: Final = 0
ACCESS_LIST: Final = 1
DYNAMIC_FEE: Final = 2
ACCESS_KEY_BYTES: Final = 33
"""A storage key of an access list, with its header."""

_FIELD_COUNT: Final = {LEGACY: 9, ACCESS_LIST: 11, DYNAMIC_FEE: 12}
_DATA_INDEX: Final = {LEGACY: 5, ACCESS_LIST: 6, DYNAMIC_FEE: 7}
_UINT64_BYTES: Final = 8
_UINT256_BYTES: Final = 32
_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

AccessList = tuple[tuple[Address, tuple[Hash32, ...]], ...]
"""Accounts, each with storage keys."""


class InvalidTransaction(InvalidInput):
    """A transaction that cannot be included; `reason` is a stable snake_case word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A decoded transaction; its signature is in range but not yet recovered."""

    raw: bytes
    hash: Hash32
    signing_hash: Hash32
    type: int
    """0 legacy, 1 access list (EIP-2930), 2 dynamic fee (EIP-1559)."""
    chain_id: int | None
    """None for a legacy transaction signed without EIP-155."""
    nonce: int
    max_priority_fee: int
    """Wei per gas; equals `max_fee` for types 0 and 1."""
    max_fee: int
    gas_limit: int
    to: Address | None
    """None creates a contract."""
    value: int
    data: bytes
    access_list: AccessList
    y_parity: int
    r: int
    s: int

    @property
    def lane(self) -> Lane:
        """The gas budget it draws on."""
        return lane_of(self.to)

    def gas_price(self, base_fee: int) -> int:
        """Return the wei per gas it pays in a block with `base_fee`."""
        return min(self.max_fee, self.max_priority_fee + base_fee)


class BlockFields(NamedTuple):
    """What the validity of a transaction depends on of the block that would include it."""

    chain_id: int
    gas_limit: int
    base_fee: int
    """Wei per gas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedTx:
    """A decoded transaction, and where in `raw` its parts of any length are."""

    transaction: Transaction
    data_offset: int
    """Where the payload of the data begins; the length is that of `transaction.data`."""
    access_offset: int
    """Where the payload of the access list begins; zero for type 0."""
    access_length: int
    """Bytes of that payload; zero for an empty list and for type 0."""


def decode_transaction(raw: bytes) -> Transaction:
    """Decode the network encoding of a transaction.

    Raises
    ------
    InvalidTransaction : `raw` is not the canonical encoding of a type 0, 1 or 2
        transaction whose signature values are in range with a low s
    """
    return _decode(raw)[0]


def decode_located(raw: bytes) -> LocatedTx:
    """Like `decode_transaction`, with the places that the step machine reads from."""
    tx, items = _decode(raw)
    data_item = len(raw) - sum(map(len, items[_DATA_INDEX[tx.type] :]))
    data_offset, data_end = item_bounds(raw, data_item)
    access_offset, access_end = (0, 0) if tx.type == LEGACY else item_bounds(raw, data_end)
    return LocatedTx(
        transaction=tx,
        data_offset=data_offset,
        access_offset=access_offset,
        access_length=access_end - access_offset,
    )


def access_entry_at(raw: bytes, position: int) -> tuple[Address, int, int]:
    """Read the access-list entry at `position` of a valid transaction.

    Returns
    -------
    (address, where its keys begin, where they end): every key takes
    `ACCESS_KEY_BYTES`, the next entry begins where the keys end
    """
    payload, _ = item_bounds(raw, position)
    address, keys = item_bounds(raw, payload)
    return Address(raw[address:keys]), *item_bounds(raw, keys)


def recover_sender(tx: Transaction) -> Address:
    """Return the account that signed `tx`.

    Raises
    ------
    InvalidTransaction : the signature recovers no public key
    """
    signature = tx.r.to_bytes(32, "big") + tx.s.to_bytes(32, "big") + bytes((tx.y_parity,))
    try:
        key = PublicKey.from_signature_and_message(signature, tx.signing_hash, hasher=None)
    except ValueError as error:
        raise InvalidTransaction("bad_signature") from error
    return Address(keccak256(key.format(compressed=False)[1:])[12:])


def create_address(sender: bytes, nonce: int) -> Address:
    """Return the address of the contract that 20-byte `sender` creates with `nonce`.

    Source: Ethereum Yellow Paper §7
    """
    return Address(keccak256(join_list((encode_string(sender), encode_int(nonce))))[12:])


def intrinsic_gas(tx: Transaction) -> int:
    """Return the gas charged before execution (Cancun schedule)."""
    return intrinsic_message_gas(tx.data, is_create=tx.to is None) + access_list_gas(tx.access_list)


def intrinsic_message_gas(data: bytes, *, is_create: bool) -> int:
    """Return the intrinsic gas of a message without an access list, as deposits are."""
    zeros = data.count(0)
    gas = TX_BASE_GAS + zeros * TX_DATA_ZERO_GAS + (len(data) - zeros) * TX_DATA_NONZERO_GAS
    if is_create:
        gas += TX_CREATE_GAS + TX_INITCODE_WORD_GAS * ((len(data) + 31) // 32)
    return gas


def access_list_gas(access_list: AccessList) -> int:
    """Return the intrinsic gas of an access list (EIP-2930)."""
    keys = sum(len(slots) for _, slots in access_list)
    return len(access_list) * TX_ACCESS_ADDRESS_GAS + keys * TX_ACCESS_KEY_GAS


def validate(tx: Transaction, account: Account, params: RollupParams, block: BlockFields) -> None:
    """Check everything validity depends on besides the signature and the lane's budget.

    Parameters
    ----------
    tx : the decoded transaction
    account : its sender's account (an empty one when absent)
    params : consensus parameters
    block : of the block that would include it

    Raises
    ------
    InvalidTransaction : the first broken rule in the order of the specification
    """
    if tx.chain_id is not None and tx.chain_id != block.chain_id:
        raise InvalidTransaction("wrong_chain_id")
    if len(tx.raw) > params.max_tx_bytes:
        raise InvalidTransaction("too_large")
    if account.code_hash != EMPTY_CODE_HASH:
        raise InvalidTransaction("sender_has_code")
    if tx.nonce != account.nonce:
        raise InvalidTransaction("nonce_too_low" if tx.nonce < account.nonce else "nonce_too_high")
    if tx.nonce == MAX_NONCE:
        raise InvalidTransaction("nonce_exhausted")
    if tx.gas_limit > min(params.tx_gas_cap, block.gas_limit):
        raise InvalidTransaction("gas_limit_too_high")
    validate_fees(tx, block.base_fee)
    if intrinsic_gas(tx) > tx.gas_limit:
        raise InvalidTransaction("intrinsic_gas_too_low")
    if tx.to is None and len(tx.data) > MAX_INITCODE_BYTES:
        raise InvalidTransaction("initcode_too_large")
    if account.balance < tx.gas_limit * tx.max_fee + tx.value:
        raise InvalidTransaction("insufficient_funds")


def validate_fees(tx: Transaction, base_fee: int) -> None:
    """Check the fee fields against each other and the block's base fee.

    Raises
    ------
    InvalidTransaction : the tip exceeds the fee cap, or the fee cap the base fee
    """
    if tx.max_priority_fee > tx.max_fee:
        raise InvalidTransaction("priority_fee_above_max_fee")
    if tx.max_fee < base_fee:
        raise InvalidTransaction("max_fee_below_base_fee")


def within_budget(tx: Transaction, left: tuple[int, int]) -> bool:
    """Whether the execution gas `tx` may use fits what is left of its lane's budget."""
    return tx.gas_limit - intrinsic_gas(tx) <= left[tx.lane]


def _decode(raw: bytes) -> tuple[Transaction, list[bytes]]:
    """Decode a transaction; return it and the raw items of its list."""
    kind = _kind_of(raw)
    try:
        items = split_list(raw if kind == LEGACY else raw[1:])
        if len(items) != _FIELD_COUNT[kind]:
            raise InvalidTransaction("wrong_field_count")
        return _decode_items(raw, kind, items), items
    except InvalidRlp as error:
        raise InvalidTransaction("malformed_rlp") from error


def _kind_of(raw: bytes) -> int:
    """Type of a transaction, which its first byte tells."""
    if not raw:
        raise InvalidTransaction("empty")
    if raw[0] >= 0xC0:
        return LEGACY
    if raw[0] in (ACCESS_LIST, DYNAMIC_FEE):
        return raw[0]
    raise InvalidTransaction("unknown_type")


def _decode_items(raw: bytes, kind: int, items: list[bytes]) -> Transaction:
    """Decode the fields from a list's raw items (headers included)."""
    fields = items if kind == LEGACY else items[1:]
    chain_id = None if kind == LEGACY else _uint(items[0], _UINT256_BYTES)
    nonce, tip = _uint(fields[0], _UINT64_BYTES), _uint(fields[1], _UINT256_BYTES)
    max_fee = tip
    if kind == DYNAMIC_FEE:
        max_fee = _uint(fields[2], _UINT256_BYTES)
        fields = fields[1:]
    v, r, s = (_uint(item, _UINT256_BYTES) for item in fields[-3:])
    if not (0 < r < _CURVE_ORDER and 0 < s <= _CURVE_ORDER // 2):
        raise InvalidTransaction("signature_out_of_range")
    if kind == LEGACY:
        chain_id, v = _split_v(v)
    elif v > 1:
        raise InvalidTransaction("bad_y_parity")
    return Transaction(
        raw=raw,
        hash=keccak256(raw),
        signing_hash=keccak256(_signing_payload(raw, kind, items, chain_id)),
        type=kind,
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee=tip,
        max_fee=max_fee,
        gas_limit=_uint(fields[2], _UINT64_BYTES),
        to=_to(string_payload(fields[3])),
        value=_uint(fields[4], _UINT256_BYTES),
        data=string_payload(fields[5]),
        access_list=() if kind == LEGACY else _access_list(fields[6]),
        y_parity=v,
        r=r,
        s=s,
    )


def _signing_payload(raw: bytes, kind: int, items: list[bytes], chain_id: int | None) -> bytes:
    """Return the signed bytes: the items as they came, without the signature, under a new header."""
    unsigned = items[:-3]
    if kind != LEGACY:
        return raw[:1] + join_list(unsigned)
    if chain_id is not None:
        unsigned += [encode_int(chain_id), EMPTY_STRING, EMPTY_STRING]
    return join_list(unsigned)


def _split_v(v: int) -> tuple[int | None, int]:
    """Split a legacy `v` into (chain id or None, parity)."""
    if v in (27, 28):
        return None, v - 27
    if v < 35:
        raise InvalidTransaction("bad_v")
    return (v - 35) // 2, (v - 35) % 2


def _uint(raw_item: bytes, max_bytes: int) -> int:
    """Read an integer of at most `max_bytes` without leading zeros."""
    return decode_int(string_payload(raw_item), max_bytes)


def _to(payload: bytes) -> Address | None:
    """Read a recipient: 20 bytes, or none for a creation."""
    if len(payload) not in (0, 20):
        raise InvalidTransaction("bad_to")
    return Address(payload) if payload else None


def _access_list(raw_item: bytes) -> AccessList:
    """Read an access list of any length."""
    return tuple(_access_entry(entry) for entry in decode_list(raw_item))


def _access_entry(entry: RlpItem) -> tuple[Address, tuple[Hash32, ...]]:
    """Read one address with its storage keys."""
    if not isinstance(entry, list) or len(entry) != 2:
        raise InvalidTransaction("bad_access_list")
    address, keys = entry
    if not isinstance(address, bytes) or len(address) != 20 or not isinstance(keys, list):
        raise InvalidTransaction("bad_access_list")
    return Address(address), tuple(_access_key(key) for key in keys)


def _access_key(key: RlpItem) -> Hash32:
    """Read one 32-byte storage key."""
    if not isinstance(key, bytes) or len(key) != 32:
        raise InvalidTransaction("bad_access_list")
    return Hash32(key)
