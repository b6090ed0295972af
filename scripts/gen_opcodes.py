"""Write the opcodes of spec/opcodes.json as Python and as Solidity."""

import json
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "spec" / "opcodes.json"
PYTHON = ROOT / "optimistic" / "protocol" / "stepper" / "opcode_table.py"
SOLIDITY = ROOT / "solidity" / "src" / "dispute" / "osp" / "Opcodes.sol"
GROUPS = {"BASIC": 0, "MEMORY": 1, "STATE": 2, "CALL": 3}
RULES = {"ALLOWED": 0, "FORBIDDEN": 1, "NO_VALUE": 2}
ROW = '    Op.{name}: OpcodeRow("{name}", {gas}, {pops}, {pushes}, StaticRule.{static}, Group.{group}),\n'
MODULE = '''"""The opcodes of Cancun. Generated from spec/opcodes.json by scripts/gen_opcodes.py."""

from enum import IntEnum
from typing import Final, NamedTuple
{enums}

class OpcodeRow(NamedTuple):
    """What is known of an opcode before it runs: its constant gas, the stack items it reads and leaves."""

    name: str
    gas: int
    pops: int
    pushes: int
    static: StaticRule
    group: Group


_ROWS: Final[dict[int, OpcodeRow]] = {{
{rows}}}
OPCODES: Final[tuple[OpcodeRow | None, ...]] = tuple(_ROWS.get(byte) for byte in range(256))
'''


def render_python(spec: list[dict[str, Any]]) -> str:
    """Return the text of optimistic/protocol/stepper/opcode_table.py."""
    enums = ""
    for name, doc, values in (
        ("Group", "What part of the machine runs an opcode.", GROUPS),
        ("StaticRule", "What a static frame says to an opcode.", RULES),
        ("Op", "Opcodes by name.", {row["name"]: f"0x{row['byte'][2:].upper()}" for row in spec}),
    ):
        enums += f'\n\nclass {name}(IntEnum):\n    """{doc}"""\n\n'
        enums += "".join(f"    {key} = {value}\n" for key, value in values.items())
    return MODULE.format(enums=enums, rows="".join(ROW.format_map(row) for row in spec))


def render_solidity(spec: list[dict[str, Any]]) -> str:
    """Return the text of solidity/src/dispute/osp/Opcodes.sol."""
    text = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\n\n"
    text += "// Generated from spec/opcodes.json by scripts/gen_opcodes.py.\n\n"
    for kind, values in (("GROUP", GROUPS), ("STATIC", RULES), ("OP", {r["name"]: r["byte"] for r in spec})):
        text += "".join(f"uint256 constant {kind}_{k} = {v};\n" for k, v in values.items()) + "\n"
    table = [0] * 256
    for row in spec:
        kinds = 1 << 31 | GROUPS[row["group"]] << 29 | RULES[row["static"]] << 27
        table[int(row["byte"], 16)] = kinds | row["pushes"] << 22 | row["pops"] << 17 | row["gas"]
    hexed = "".join(f"{packed:08x}" for packed in table)
    words = "\n    ".join(f'hex"{hexed[i : i + 64]}"' for i in range(0, 2048, 64))
    return f"{text}// 256 rows of four bytes: see OpcodeTable.\nbytes constant OPCODE_ROWS = {words};\n"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a generated file is stale.")
def main(check: bool) -> None:
    """Generate opcode_table.py and Opcodes.sol from spec/opcodes.json."""
    spec = [row | {k: row[k].upper() for k in ("static", "group")} for row in json.loads(SOURCE.read_text())]
    for path, text in ((PYTHON, render_python(spec)), (SOLIDITY, render_solidity(spec))):
        if check and (not path.exists() or path.read_text() != text):
            raise click.ClickException(f"{path.relative_to(ROOT)} is stale: run scripts/gen_opcodes.py")
        if not check:
            path.write_text(text)


if __name__ == "__main__":
    main()
