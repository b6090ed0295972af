"""Compile the contracts and write their artifacts and snapshots.

Each contract is compiled alone with its imports, from scratch, by the default profile: its bytecode depends
on nothing else in the tree, so the committed files can be compared byte by byte.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import click
from sha3 import keccak_256

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "solidity" / "src"
ARTIFACTS = ROOT / "optimistic" / "artifacts"
SNAPSHOTS = ROOT / "solidity" / "snapshots"
CONTRACTS = ("l1/Inbox", "l1/AssertionChain", "l1/Bridge", "dispute/DisputeRegistry")
PREDEPLOYS = ("l2/MessagePasser", "l2/FeeVault", "l2/Multicall3")
CREATE2_FACTORY = (
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe036016000816020823780358280"
    "34f58015156039578182fd5b8082525050506014600cf3"
)
SIZE_LIMIT = 24_576


def compile_contract(path: str) -> dict[str, Any]:
    """Return forge's output for solidity/src/`path`.sol."""
    name = path.rsplit("/", 1)[-1]
    with tempfile.TemporaryDirectory() as scratch:
        env = os.environ | {
            "FOUNDRY_PROFILE": "default",
            "FOUNDRY_OUT": scratch,
            "FOUNDRY_CACHE_PATH": scratch,
        }
        command = [ROOT / "node_modules" / ".bin" / "forge", "build", "--force", SOURCES / f"{path}.sol"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise click.ClickException(done.stdout + done.stderr)
        output: dict[str, Any] = json.loads((Path(scratch) / f"{name}.sol" / f"{name}.json").read_text())
    if len(output["deployedBytecode"]["object"]) // 2 - 1 >= SIZE_LIMIT:
        raise click.ClickException(f"{name} exceeds {SIZE_LIMIT} bytes")
    return output


def storage_rows(layout: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per variable and struct member, without the compiler's node numbers."""
    types = layout["types"] or {}

    def rows(entries: list[dict[str, Any]], base: int, prefix: str) -> list[dict[str, Any]]:
        result = []
        for entry in entries:
            kind, slot = types[entry["type"]], base + int(entry["slot"])
            row = {"label": prefix + entry["label"], "slot": slot, "offset": entry["offset"]}
            result.append(row | {"bytes": int(kind["numberOfBytes"]), "type": kind["label"]})
            result += rows(kind.get("members", []), slot, f"{row['label']}.")
        return result

    return rows(layout["storage"], 0, "")


def artifact_of(output: dict[str, Any]) -> dict[str, Any]:
    """Return the committed form of forge's output."""
    metadata = output["metadata"]
    identity = {key: metadata[key] for key in ("compiler", "settings", "sources")}
    references = output["deployedBytecode"].get("immutableReferences", {})
    return {
        "abi": output["abi"],
        "bytecode": output["bytecode"]["object"],
        "deployedBytecode": output["deployedBytecode"]["object"],
        "immutableRanges": sorted([r["start"], r["length"]] for group in references.values() for r in group),
        "storageLayout": storage_rows(output["storageLayout"]),
        "sourceHash": "0x" + keccak_256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
    }


def render_all() -> dict[Path, str]:
    """Compile everything; return the text of every generated file."""
    factory_hash = "0x" + keccak_256(bytes.fromhex(CREATE2_FACTORY[2:])).hexdigest()
    factory = {"abi": [], "bytecode": "0x", "deployedBytecode": CREATE2_FACTORY, "immutableRanges": []}
    artifacts = {"Create2Factory": factory | {"storageLayout": [], "sourceHash": factory_hash}}
    files = {}
    for path in (*CONTRACTS, *PREDEPLOYS):
        output, name = compile_contract(path), path.rsplit("/", 1)[-1]
        artifacts[name] = artifact_of(output)
        selectors = dict(sorted(output["methodIdentifiers"].items()))
        files[SNAPSHOTS / "abi" / f"{name}.json"] = json.dumps(selectors, indent=2)
        files[SNAPSHOTS / "storage" / f"{name}.json"] = json.dumps(artifacts[name]["storageLayout"], indent=2)
    for name, artifact in artifacts.items():
        files[ROOT / "optimistic" / "artifacts" / f"{name}.json"] = json.dumps(
            artifact, separators=(",", ":")
        )
    return {path: text + "\n" for path, text in files.items()}


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a committed file is stale.")
def main(check: bool) -> None:
    """Write optimistic/artifacts and solidity/snapshots/{abi,storage}."""
    for path, text in render_all().items():
        if check and (not path.exists() or path.read_text() != text):
            raise click.ClickException(f"{path.relative_to(ROOT)} is stale: run scripts/build_contracts.py")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


if __name__ == "__main__":
    main()
