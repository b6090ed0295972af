"""From the compiler's output to the committed form of an artifact; its reader is `load`.

What depends on the order of compilation (node numbers, source maps) is left out,
so equal sources give equal bytes.
"""

import json
from typing import Any

from sha3 import keccak_256

CREATE2_FACTORY_CODE = (
    f"0x7f{'ff' * 31}e03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
"""Runtime code of the keyless deployment proxy tools expect at CREATE2_FACTORY; it has no source."""


def artifact_json(output: dict[str, Any]) -> dict[str, Any]:
    """Return the artifact of one contract.

    Parameters
    ----------
    output : the contract's JSON file as forge writes it, with storageLayout
    """
    metadata = output["metadata"]
    # Remappings follow from what happens to be installed; the sources they lead to are hashed themselves.
    settings = {key: value for key, value in metadata["settings"].items() if key != "remappings"}
    identity = {"compiler": metadata["compiler"], "settings": settings, "sources": metadata["sources"]}
    references = output["deployedBytecode"].get("immutableReferences", {})
    return {
        "abi": output["abi"],
        "bytecode": output["bytecode"]["object"],
        "deployedBytecode": output["deployedBytecode"]["object"],
        "immutableRanges": sorted(
            [at["start"], at["length"]] for group in references.values() for at in group
        ),
        "storageLayout": storage_rows(output["storageLayout"]),
        "sourceHash": _keccak_hex(json.dumps(identity, sort_keys=True).encode()),
    }


def bare_artifact_json(code: str) -> dict[str, Any]:
    """Return the artifact of 0x-hex runtime `code` without source or interface."""
    return {
        "abi": [],
        "bytecode": "0x",
        "deployedBytecode": code,
        "immutableRanges": [],
        "storageLayout": [],
        "sourceHash": _keccak_hex(bytes.fromhex(code[2:])),
    }


def abi_rows(output: dict[str, Any]) -> dict[str, Any]:
    """Return what a reader compares: selectors by function signature, signatures of events and errors."""
    rows: dict[str, Any] = {"functions": dict(sorted(output["methodIdentifiers"].items()))}
    for kind in ("event", "error"):
        entries = (entry for entry in output["abi"] if entry["type"] == kind)
        rows[f"{kind}s"] = sorted(f"{entry['name']}({_types(entry['inputs'])})" for entry in entries)
    return rows


def storage_rows(layout: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per variable and struct member: label, slot, offset and size in bytes, type."""
    types = layout["types"] or {}

    def rows(entries: list[dict[str, Any]], base: int, prefix: str) -> list[dict[str, Any]]:
        result = []
        for entry in entries:
            kind, slot, label = types[entry["type"]], base + int(entry["slot"]), prefix + entry["label"]
            size = int(kind["numberOfBytes"])
            result.append(
                {
                    "label": label,
                    "slot": slot,
                    "offset": entry["offset"],
                    "bytes": size,
                    "type": kind["label"],
                }
            )
            result += rows(kind.get("members", []), slot, f"{label}.")
        return result

    return rows(layout["storage"], 0, "")


def _types(inputs: list[dict[str, Any]]) -> str:
    return ",".join(_type(entry) + (" indexed" if entry.get("indexed") else "") for entry in inputs)


def _type(entry: dict[str, Any]) -> str:
    kind = str(entry["type"])
    return kind.replace("tuple", f"({_types(entry['components'])})") if "components" in entry else kind


def _keccak_hex(data: bytes) -> str:
    return "0x" + str(keccak_256(data).hexdigest())
