"""Write the constants of spec/constants.json as Python and as Solidity."""

import json
from pathlib import Path
from typing import Any

import click
from eth_utils import to_checksum_address

from optimistic.protocol.hashing import keccak256

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "spec" / "constants.json"
PYTHON = ROOT / "optimistic" / "protocol" / "constants.py"
SOLIDITY = ROOT / "solidity" / "src" / "libraries" / "Constants.sol"


def tag(name: str) -> bytes:
    """Return the domain tag of a struct: keccak256("optimistic/<name>/1")."""
    return keccak256(f"optimistic/{name}/1".encode())


def render_python(spec: dict[str, Any]) -> str:
    """Return the text of optimistic/protocol/constants.py."""
    lines = ['"""Consensus constants. Generated from spec/constants.json by scripts/gen_constants.py."""', ""]
    lines += ["from typing import Final", "", "from optimistic.protocol.types import Address, Hash32", "", ""]
    lines += ["def _hash32(digits: str) -> Hash32:"]
    lines += ['    """Read 64 hex digits."""', "    return Hash32(bytes.fromhex(digits))", "", ""]
    for name in spec["tags"]:
        lines.append(f'TAG_{name.upper()}: Final = _hash32("{tag(name).hex()}")')
    lines.append("")
    lines += [f"{name}: Final = {value}" for name, value in spec["integers"].items()]
    lines.append("")
    for name, value in spec["addresses"].items():
        lines.append(f'{name}: Final = Address(bytes.fromhex("{value[2:].lower()}"))')
    return "\n".join(lines) + "\n"


def render_solidity(spec: dict[str, Any]) -> str:
    """Return the text of solidity/src/libraries/Constants.sol."""
    lines = ["// SPDX-License-Identifier: MIT", "pragma solidity 0.8.30;", ""]
    lines += ["// Generated from spec/constants.json by scripts/gen_constants.py.", ""]
    lines += [f"bytes32 constant TAG_{n.upper()} = 0x{tag(n).hex()};" for n in spec["tags"]]
    lines.append("")
    lines += [f"uint256 constant {name} = {value};" for name, value in spec["integers"].items()]
    lines.append("")
    lines += [f"address constant {n} = {to_checksum_address(v)};" for n, v in spec["addresses"].items()]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a generated file is stale.")
def main(check: bool) -> None:
    """Generate constants.py and Constants.sol from spec/constants.json."""
    spec = json.loads(SOURCE.read_text())
    for path, text in ((PYTHON, render_python(spec)), (SOLIDITY, render_solidity(spec))):
        if check and (not path.exists() or path.read_text() != text):
            raise click.ClickException(f"{path.relative_to(ROOT)} is stale: run scripts/gen_constants.py")
        if not check:
            path.write_text(text)


if __name__ == "__main__":
    main()
