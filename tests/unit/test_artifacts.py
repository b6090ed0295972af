from typing import Any

import pytest

from optimistic import artifacts
from optimistic.artifacts.compiler_output import abi_rows, artifact_json, storage_rows
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.predeploys import (
    COLLATERAL_GATEWAY_SLOT,
    COLLATERAL_TOKEN_UNIT_SLOT,
    FEE_VAULT_RECIPIENT_SLOT,
    LEDGER_NEXT_SUBACCOUNT_SLOT,
    MESSAGE_PASSER_BRIDGE_SLOT,
    MESSAGE_PASSER_L1_CHAIN_SLOT,
    MESSAGE_PASSER_NONCE_SLOT,
    MESSAGE_PASSER_SENT_SLOT,
    RISK_GOVERNOR_GUARDIAN_SLOT,
    RISK_GOVERNOR_OWNER_SLOT,
    SETTLEMENT_CONTRACTS,
)
from optimistic.service.one_step import GROUPS

CREATE2_FACTORY_CODE_HASH = "2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"
DEPLOYED = (
    "Inbox",
    "AssertionChain",
    "DisputeGame",
    "Bridge",
    "PrecompileGuard",
    "TokenGateway",
    "ReceiptBond",
    "DevToken",
)
VERIFIER = (*GROUPS.values(), "OspEntry", "PrecompileProbe")
PREDEPLOYED = ("MessagePasser", "FeeVault", "Multicall3", *SETTLEMENT_CONTRACTS)


@pytest.mark.parametrize("name", DEPLOYED + VERIFIER + PREDEPLOYED)
def test_load__each_contract__is_complete_and_fits_the_size_limit(name: str) -> None:
    artifact = artifacts.load(name)

    assert artifact.name == name
    assert artifact.abi
    assert 0 < len(artifact.deployed_bytecode) < 24_576
    assert len(artifact.deployed_bytecode) < len(artifact.bytecode)
    assert len(artifact.source_hash) == 32


@pytest.mark.parametrize("name", VERIFIER)
def test_load__verifier__has_no_storage(name: str) -> None:
    assert not artifacts.load(name).storage_layout


@pytest.mark.parametrize("name", PREDEPLOYED)
def test_load__predeploy__needs_no_constructor(name: str) -> None:
    artifact = artifacts.load(name)

    assert not artifact.immutable_ranges
    assert not [entry for entry in artifact.abi if entry["type"] == "constructor"]


def test_load__create2_factory__is_the_keyless_one() -> None:
    code = artifacts.load("Create2Factory").deployed_bytecode

    assert keccak256(code).hex() == CREATE2_FACTORY_CODE_HASH


def test_load__unknown_contract__raises() -> None:
    with pytest.raises(FileNotFoundError):
        artifacts.load("Nothing")


def test_storage_layout__predeploys__are_where_genesis_writes() -> None:
    passer = {row["label"]: row["slot"] for row in artifacts.load("MessagePasser").storage_layout}
    vault = {row["label"]: row["slot"] for row in artifacts.load("FeeVault").storage_layout}

    assert passer == {
        "sent": MESSAGE_PASSER_SENT_SLOT,
        "nonce": MESSAGE_PASSER_NONCE_SLOT,
        "l1ChainId": MESSAGE_PASSER_L1_CHAIN_SLOT,
        "bridge": MESSAGE_PASSER_BRIDGE_SLOT,
    }
    assert vault == {"recipient": FEE_VAULT_RECIPIENT_SLOT}


@pytest.mark.parametrize(
    ("name", "label", "slot"),
    [
        ("Ledger", "nextSubaccount", LEDGER_NEXT_SUBACCOUNT_SLOT),
        ("Collateral", "gateway", COLLATERAL_GATEWAY_SLOT),
        ("Collateral", "tokenUnitWad", COLLATERAL_TOKEN_UNIT_SLOT),
        ("RiskGovernor", "owner", RISK_GOVERNOR_OWNER_SLOT),
        ("RiskGovernor", "guardian", RISK_GOVERNOR_GUARDIAN_SLOT),
    ],
)
def test_storage_layout__settlement__is_where_genesis_writes(name: str, label: str, slot: int) -> None:
    [row] = [row for row in artifacts.load(name).storage_layout if row["label"] == label]

    assert (row["slot"], row["offset"]) == (slot, 0)


def test_storage_layout__inbox_cursor__is_one_slot() -> None:
    rows = artifacts.load("Inbox").storage_layout
    cursor = [row for row in rows if row["label"].startswith("_cursor.")]

    assert len({row["slot"] for row in cursor}) == 1
    assert sum(row["bytes"] for row in cursor) <= 32


def test_matches__other_immutables__still_match() -> None:
    artifact = artifacts.load("Inbox")
    offset, length = artifact.immutable_ranges[0]
    code = bytearray(artifact.deployed_bytecode)
    code[offset : offset + length] = b"\xff" * length

    assert artifact.matches(bytes(code))


@pytest.mark.parametrize("change", ["flip", "cut", "extend", "empty"])
def test_matches__other_code__does_not(change: str) -> None:
    artifact = artifacts.load("Inbox")
    code = artifact.deployed_bytecode
    other = {"flip": bytes([code[0] ^ 1]) + code[1:], "cut": code[:-1], "extend": code + b"\0", "empty": b""}

    assert not artifact.matches(other[change])


# ------------------------------------------------------------------------------ compiler output

LAYOUT: dict[str, Any] = {
    "storage": [{"astId": 7, "label": "pair", "slot": "3", "offset": 0, "type": "t_struct(Pair)9_storage"}],
    "types": {
        "t_struct(Pair)9_storage": {
            "label": "struct Pair",
            "numberOfBytes": "64",
            "members": [
                {"astId": 1, "label": "a", "slot": "0", "offset": 4, "type": "t_uint8"},
                {"astId": 2, "label": "b", "slot": "1", "offset": 0, "type": "t_uint8"},
            ],
        },
        "t_uint8": {"label": "uint8", "numberOfBytes": "1"},
    },
}


def test_storage_rows__struct__lists_members_at_their_slots() -> None:
    rows = storage_rows(LAYOUT)

    assert [(row["label"], row["slot"], row["offset"]) for row in rows] == [
        ("pair", 3, 0),
        ("pair.a", 3, 4),
        ("pair.b", 4, 0),
    ]


def test_artifact_json__remappings__do_not_change_the_source_hash() -> None:
    def output(remappings: list[str], runs: int) -> dict[str, Any]:
        settings = {"remappings": remappings, "optimizer": {"runs": runs}}
        return {
            "abi": [],
            "bytecode": {"object": "0x"},
            "deployedBytecode": {
                "object": "0x",
                "immutableReferences": {"9": [{"start": 40, "length": 32}, {"start": 4, "length": 32}]},
            },
            "metadata": {"compiler": {}, "settings": settings, "sources": {}},
            "storageLayout": {"storage": [], "types": None},
        }

    first, second, third = (artifact_json(output(*args)) for args in ((["a=b"], 1), ([], 1), ([], 2)))

    assert first == second
    assert first["sourceHash"] != third["sourceHash"]
    assert first["immutableRanges"] == [[4, 32], [40, 32]]


def test_abi_rows__structs_in_events__are_written_out() -> None:
    event = {
        "type": "event",
        "name": "E",
        "inputs": [
            {"type": "uint256", "indexed": True},
            {"type": "tuple[]", "components": [{"type": "address"}, {"type": "bool"}]},
        ],
    }

    rows = abi_rows({"methodIdentifiers": {"b()": "22", "a()": "11"}, "abi": [event]})

    assert rows["events"] == ["E(uint256 indexed,(address,bool)[])"]
    assert list(rows["functions"]) == ["a()", "b()"]
