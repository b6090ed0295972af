from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32
from optimistic.service.abi import Abi, AbiError, decode_values
from optimistic.service.l1_types import Log

ENTRIES: list[dict[str, Any]] = [
    {"type": "constructor", "inputs": [{"name": "owner", "type": "address"}]},
    {
        "type": "function",
        "name": "put",
        "inputs": [
            {
                "name": "item",
                "type": "tuple",
                "components": [{"name": "who", "type": "address"}, {"name": "amount", "type": "uint256"}],
            },
            {"name": "tags", "type": "bytes32[]"},
        ],
        "outputs": [
            {
                "name": "",
                "type": "tuple[]",
                "components": [{"name": "who", "type": "address"}, {"name": "ok", "type": "bool"}],
            }
        ],
    },
    {
        "type": "event",
        "name": "Put",
        "inputs": [
            {"name": "who", "type": "address", "indexed": True},
            {"name": "data", "type": "bytes"},
            {"name": "index", "type": "uint256", "indexed": True},
        ],
    },
    {"type": "error", "name": "Full", "inputs": [{"name": "size", "type": "uint256"}]},
    {"type": "receive"},
]
WHO = Address(b"\x12" * 20)


@pytest.fixture
def abi() -> Abi:
    return Abi.parse(ENTRIES)


def test_abi__selectors__are_those_of_the_written_out_signature(abi: Abi) -> None:
    assert abi.functions["put"].selector == keccak256(b"put((address,uint256),bytes32[])")[:4]
    assert abi.events["Put"].topic == keccak256(b"Put(address,bytes,uint256)")
    assert abi.errors["Full"].selector == keccak256(b"Full(uint256)")[:4]


@given(who=st.binary(min_size=20, max_size=20), amount=st.integers(0, 2**256 - 1), count=st.integers(0, 4))
def test_function__arguments__round_trip_with_bytes_addresses(who: bytes, amount: int, count: int) -> None:
    function = Abi.parse(ENTRIES).functions["put"]
    arguments = ((who, amount), tuple(bytes([n]) * 32 for n in range(count)))

    call_data = function.encode(arguments)

    assert call_data[:4] == function.selector
    assert decode_values(function.inputs, call_data[4:]) == arguments


def test_function__values_that_do_not_fit__are_refused(abi: Abi) -> None:
    function = abi.functions["put"]

    for arguments in (
        (),
        ((WHO, -1), ()),
        ((WHO, 1 << 256), ()),
        ((b"short", 1), ()),
        ((WHO, 1), (b"x" * 33,)),
    ):
        with pytest.raises(AbiError):
            function.encode(arguments)


def test_function__output_of_structs__decodes_to_tuples(abi: Abi) -> None:
    word = [(32).to_bytes(32, "big"), (1).to_bytes(32, "big"), bytes(12) + WHO, (1).to_bytes(32, "big")]

    assert abi.functions["put"].decode(b"".join(word)) == (((WHO, True),),)


@given(data=st.binary(max_size=200))
def test_function__arbitrary_output__decodes_or_is_refused(data: bytes) -> None:
    function = Abi.parse(ENTRIES).functions["put"]

    try:
        function.decode(data)
    except AbiError:
        return


def make_log(topics: tuple[bytes, ...], data: bytes) -> Log:
    return Log(
        address=WHO,
        topics=tuple(Hash32(topic) for topic in topics),
        data=data,
        block_number=1,
        block_hash=Hash32(bytes(32)),
        tx_hash=Hash32(bytes(32)),
        tx_index=0,
        log_index=0,
    )


def test_event__indexed_and_plain_fields__decode_by_name(abi: Abi) -> None:
    data = (32).to_bytes(32, "big") + (3).to_bytes(32, "big") + b"abc".ljust(32, b"\0")
    log = make_log((abi.events["Put"].topic, bytes(12) + WHO, (9).to_bytes(32, "big")), data)

    assert abi.events["Put"].decode(log) == {"data": b"abc", "who": WHO, "index": 9}


def test_event__other_logs__are_refused(abi: Abi) -> None:
    topic = abi.events["Put"].topic

    for log in (
        make_log((), b""),
        make_log((bytes(32),), b""),
        make_log((topic,), b""),
        make_log((topic, bytes(32), bytes(32)), b""),
    ):
        with pytest.raises(AbiError):
            abi.events["Put"].decode(log)


def test_error__arguments__decode_by_name(abi: Abi) -> None:
    error = abi.errors["Full"]

    assert error.decode(error.selector + (7).to_bytes(32, "big")) == {"size": 7}


def test_constructor__arguments__are_encoded_without_a_selector(abi: Abi) -> None:
    assert abi.encode_constructor([WHO]) == bytes(12) + WHO
