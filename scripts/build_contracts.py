"""Compile the contracts and write their artifacts and snapshots.

Each is compiled alone with its imports: its bytecode depends on nothing else and compares byte by byte.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from optimistic.artifacts import compiler_output as form
from optimistic.service.one_step import GROUPS, PROBE, VERIFIER

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "solidity" / "src"
ARTIFACTS = ROOT / "optimistic" / "artifacts"
SNAPSHOTS = ROOT / "solidity" / "snapshots"
STANDING = tuple(sorted(str(path.relative_to(SOURCES))[:-4] for path in SOURCES.glob("l[12]/**/*.sol")))
DISPUTING = ("dispute/DisputeGame", "dispute/PrecompileGuard")
STEPPING = tuple(f"dispute/osp/{name}" for name in (*GROUPS.values(), VERIFIER, PROBE))
CONTRACTS = (*STANDING, *DISPUTING, *STEPPING)
SIZE_LIMIT = 24_576


def compile_contract(path: str) -> dict[str, Any]:
    """Return forge's output for solidity/src/`path`.sol."""
    name = path.rsplit("/", 1)[-1]
    with tempfile.TemporaryDirectory() as scratch:
        paths = {"FOUNDRY_OUT": scratch, "FOUNDRY_CACHE_PATH": f"{scratch}/cache"}
        done = subprocess.run(
            [ROOT / "node_modules" / ".bin" / "forge", "build", "--force", SOURCES / f"{path}.sol"],
            cwd=ROOT,
            env=os.environ | paths | {"FOUNDRY_PROFILE": "default"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise click.ClickException(done.stdout + done.stderr)
        output: dict[str, Any] = json.loads((Path(scratch) / f"{name}.sol" / f"{name}.json").read_text())
    if len(output["deployedBytecode"]["object"]) // 2 - 1 >= SIZE_LIMIT:
        raise click.ClickException(f"{name} exceeds {SIZE_LIMIT} bytes")
    return output


def render(paths: Sequence[str]) -> dict[Path, str]:
    """Compile these contracts; return the text of every file generated from them."""
    artifacts = {"Create2Factory": form.bare_artifact_json(form.CREATE2_FACTORY_CODE)}
    files = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outputs = list(pool.map(compile_contract, paths))
    for name, output in zip((Path(path).name for path in paths), outputs, strict=True):
        artifacts[name] = form.artifact_json(output)
        files[SNAPSHOTS / "abi" / f"{name}.json"] = json.dumps(form.abi_rows(output), indent=2)
        files[SNAPSHOTS / "storage" / f"{name}.json"] = json.dumps(artifacts[name]["storageLayout"], indent=2)
    for name, artifact in artifacts.items():
        files[ARTIFACTS / f"{name}.json"] = json.dumps(artifact, separators=(",", ":"))
    return {path: text + "\n" for path, text in files.items()}


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a committed file is stale.")
@click.option("--only", multiple=True, type=click.Choice(CONTRACTS), help="Compile these; all if not given.")
def main(check: bool, only: tuple[str, ...]) -> None:
    """Write optimistic/artifacts and solidity/snapshots/{abi,storage}."""
    for path, text in render(only or CONTRACTS).items():
        if check and (not path.exists() or path.read_text() != text):
            raise click.ClickException(f"{path.relative_to(ROOT)} is stale: run scripts/build_contracts.py")
        if not check:
            path.write_text(text)


if __name__ == "__main__":
    main()
