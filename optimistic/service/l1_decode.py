"""JSON-RPC values to the types of `l1_types`, strictly.

Every function raises L1Lied when a field is missing or malformed: an endpoint that
answers nonsense is asked again, it never crashes a daemon.
"""

from typing import Any

from optimistic.protocol.types import Address, Hash32
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_types import BlockId, Call, Header, L1Transaction, Log, Receipt


def quantity(value: Any) -> int:
    """Return a non-negative integer given as 0x-hex or as a number."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return int(value, 16)
        except ValueError as error:
            raise L1Lied(f"not a quantity: {value[:40]!r}") from error
    raise L1Lied(f"not a quantity: {value!r}"[:80])


def data(value: Any) -> bytes:
    """Return bytes given as 0x-hex."""
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError as error:
            raise L1Lied(f"not hex data: {value[:40]!r}") from error
    raise L1Lied(f"not hex data: {value!r}"[:80])


def hash32(value: Any) -> Hash32:
    """Return 32 bytes given as 0x-hex."""
    raw = data(value)
    if len(raw) != 32:
        raise L1Lied(f"expected 32 bytes, got {len(raw)}")
    return Hash32(raw)


def address(value: Any) -> Address:
    """Return 20 bytes given as 0x-hex."""
    raw = data(value)
    if len(raw) != 20:
        raise L1Lied(f"expected 20 bytes, got {len(raw)}")
    return Address(raw)


def header(value: Any) -> Header:
    """Return a block header; transactions in the answer are ignored."""
    fields = _object(value)
    base_fee = fields.get("baseFeePerGas")
    return Header(
        number=quantity(_field(fields, "number")),
        hash=hash32(_field(fields, "hash")),
        parent_hash=hash32(_field(fields, "parentHash")),
        timestamp=quantity(_field(fields, "timestamp")),
        base_fee_wei=0 if base_fee is None else quantity(base_fee),
        gas_limit=quantity(_field(fields, "gasLimit")),
    )


def log(value: Any) -> Log:
    """Return one event; an event marked as removed is refused."""
    fields = _object(value)
    if fields.get("removed"):
        raise L1Lied("a log of a removed block was returned")
    return Log(
        address=address(_field(fields, "address")),
        topics=tuple(hash32(topic) for topic in _list(_field(fields, "topics"))),
        data=data(_field(fields, "data")),
        block_number=quantity(_field(fields, "blockNumber")),
        block_hash=hash32(_field(fields, "blockHash")),
        tx_hash=hash32(_field(fields, "transactionHash")),
        tx_index=quantity(_field(fields, "transactionIndex")),
        log_index=quantity(_field(fields, "logIndex")),
    )


def logs(value: Any) -> tuple[Log, ...]:
    """Return a list of events in the order given."""
    return tuple(log(item) for item in _list(value))


def receipt(value: Any) -> Receipt | None:
    """Return a receipt, or None while the transaction is not mined."""
    if value is None:
        return None
    fields = _object(value)
    if fields.get("blockHash") is None:
        return None
    contract = fields.get("contractAddress")
    price = fields.get("effectiveGasPrice")
    return Receipt(
        tx_hash=hash32(_field(fields, "transactionHash")),
        block_number=quantity(_field(fields, "blockNumber")),
        block_hash=hash32(_field(fields, "blockHash")),
        succeeded=quantity(_field(fields, "status")) == 1,
        gas_used=quantity(_field(fields, "gasUsed")),
        effective_gas_price_wei=0 if price is None else quantity(price),
        contract_address=None if contract is None else address(contract),
        logs=logs(_field(fields, "logs")),
    )


def transaction(value: Any) -> L1Transaction | None:
    """Return a transaction, or None when the endpoint does not know it."""
    if value is None:
        return None
    fields = _object(value)
    to, block_hash, block_number = fields.get("to"), fields.get("blockHash"), fields.get("blockNumber")
    return L1Transaction(
        hash=hash32(_field(fields, "hash")),
        sender=address(_field(fields, "from")),
        nonce=quantity(_field(fields, "nonce")),
        to=None if to is None else address(to),
        value_wei=quantity(_field(fields, "value")),
        data=data(_field(fields, "input")),
        block_hash=None if block_hash is None else hash32(block_hash),
        block_number=None if block_number is None else quantity(block_number),
    )


def block_param(block: BlockId) -> Any:
    """Return the JSON-RPC form of a block id; hashes take the form of EIP-1898."""
    if isinstance(block, bytes):
        return {"blockHash": "0x" + block.hex(), "requireCanonical": True}
    return hex(block) if isinstance(block, int) else block


def call_param(call: Call) -> dict[str, str]:
    """Return the JSON-RPC form of a call."""
    fields = {"data": "0x" + call.data.hex(), "value": hex(call.value_wei)}
    if call.to is not None:
        fields["to"] = "0x" + call.to.hex()
    if call.sender is not None:
        fields["from"] = "0x" + call.sender.hex()
    if call.gas is not None:
        fields["gas"] = hex(call.gas)
    return fields


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise L1Lied(f"expected an object, got {type(value).__name__}")
    return value


def _list(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise L1Lied(f"expected a list, got {type(value).__name__}")
    return value


def _field(fields: dict[str, Any], name: str) -> Any:
    value = fields.get(name)
    if value is None:
        raise L1Lied(f"the answer has no {name}")
    return value
