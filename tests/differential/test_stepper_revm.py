"""Frames of the step machine against revm: single opcodes on random stacks, and random programs.

No slot has a value at the start: in revm's bindings what is set after an account is inserted is warm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from optimistic.protocol.accounts import EMPTY_ACCOUNT
from optimistic.protocol.stepper.opcode_table import OPCODES, Op
from optimistic.protocol.stepper.state import Halt
from optimistic.protocol.stepper.step import run
from optimistic.protocol.types import Address
from optimistic.protocol.unit import Phase
from tests.helpers.assembly import asm
from tests.helpers.evm_world import Alloc
from tests.helpers.opcode_stage import COINBASE, UNIT, Stage, stage, view
from tests.helpers.random_programs import BALANCE, CONTRACTS, ORIGIN, programs

GAS: Final = 400_000
BASE_GAS: Final = 21_000
SENDER: Final = Address(ORIGIN)
MAIN: Final = Address(CONTRACTS[0])
SLOTS: Final = range(5)
WATCHED: Final = (*CONTRACTS, ORIGIN, b"\x66" * 20, b"\x55" * 20, b"\x77" * 20)
MAX: Final = (1 << 256) - 1

CONSTANT: Final = (Op.PC, Op.MSIZE, Op.GAS, Op.PREVRANDAO, Op.BLOBBASEFEE)
ON_WORDS: Final = tuple(
    Op(opcode)
    for opcode, row in enumerate(OPCODES)
    if row is not None and (opcode <= Op.SAR or opcode in CONSTANT or Op.ADDRESS <= opcode <= Op.TSTORE)
    if row.pushes == 1 and opcode not in (Op.GASPRICE, Op.BLOCKHASH, Op.BASEFEE)
)
"""Opcodes that leave one item and ask nothing of the chain's past."""

EDGES: Final = (0, 1, 2, 31, 32, 33, 255, 256, 1 << 64, 1 << 160, (1 << 255) - 1, 1 << 255, MAX - 1, MAX)
numbers = st.one_of(st.sampled_from(EDGES), st.integers(0, MAX), st.integers(0, 400))
accounts = st.sampled_from((*WATCHED, COINBASE, b"\x02", b"\x0a", b"\x0b")).map(
    lambda address: int.from_bytes(address, "big")
)


@dataclass(frozen=True)
class End:
    """What both must agree on."""

    is_success: bool
    gas_used: int
    output: bytes
    accounts: list[tuple[int, int, list[int]]]


def in_revm(alloc: Mapping[Address, Alloc], calldata: bytes) -> End:
    """Call MAIN in revm."""
    block = BlockEnv(
        number=UNIT.number,
        coinbase=hexed(COINBASE),
        timestamp=UNIT.timestamp,
        prevrandao=UNIT.prev_randao,
        basefee=0,
        gas_limit=UNIT.gas_limit,
        excess_blob_gas=0,
    )
    evm = EVM(
        env=Env(cfg=CfgEnv(chain_id=UNIT.chain_id), block=block), gas_limit=UNIT.gas_limit, spec_id="CANCUN"
    )
    for address, start in alloc.items():
        # the stub has no `balance`
        info = AccountInfo(balance=start.balance, nonce=start.nonce, code=start.code)  # type: ignore[call-arg]
        evm.insert_account_info(hexed(address), info)
    output = b""
    try:
        output = evm.message_call(
            hexed(SENDER), hexed(MAIN), calldata=calldata, gas=BASE_GAS + GAS, gas_price=0
        )
    except RuntimeError as error:
        _, is_revert, tail = str(error).partition("output: 0x")
        output = bytes.fromhex(tail.split(" ")[0].rstrip("} )")) if is_revert else b""
    result = evm.result
    assert result is not None
    infos = [(evm.basic(hexed(address)), hexed(address)) for address in WATCHED]
    return End(
        is_success=result.is_success,
        gas_used=result.gas_used - data_gas(calldata),
        output=output,
        accounts=[
            (
                info.balance,
                info.nonce if address != hexed(SENDER) else 0,
                [evm.storage(address, slot) for slot in SLOTS],
            )
            for info, address in infos
        ],
    )


def hexed(address: bytes) -> str:
    """Spell an address as revm wants it."""
    return "0x" + address.hex()


def data_gas(calldata: bytes) -> int:
    """What a transaction pays for itself and its calldata."""
    return BASE_GAS + sum(16 if byte else 4 for byte in calldata)


def in_steps(alloc: Mapping[Address, Alloc], calldata: bytes) -> End:
    """Call MAIN on the step machine; what TX_END and TX_DESTROY do is done here."""
    gas = GAS - data_gas(calldata) + BASE_GAS
    scene = stage(
        alloc,
        code=alloc[MAIN].code,
        address=MAIN,
        caller=SENDER,
        gas=gas,
        calldata=view(calldata),
        value=0,
    )
    assert scene.m.tx is not None
    scene.m.tx = replace(scene.m.tx, sender=SENDER, target=MAIN, gas_price=0)
    while scene.m.phase is not Phase.EXIT or scene.frame.depth:
        run(scene.be, scene.m, 1)
    used = gas - scene.frame.gas
    output = scene.frame.returndata
    return End(
        is_success=scene.frame.halt is Halt.SUCCESS,
        gas_used=used - min(scene.journal.refund, (used + data_gas(calldata)) // 5),
        output=scene.be.read_view(output, 0, output.length),
        accounts=left_in(scene),
    )


def left_in(scene: Stage) -> list[tuple[int, int, list[int]]]:
    """Balance, nonce and slots of the watched accounts, without those that are destroyed."""
    gone = set()
    acc = scene.journal.destroy_acc
    for _ in range(scene.journal.destroy_count):
        acc, address = scene.be.destroyed(acc)
        gone.add(address)
    left = []
    for address in map(Address, WATCHED):
        account = EMPTY_ACCOUNT if address in gone else scene.account(address)
        slots = [0 if address in gone else scene.slot(address, slot) for slot in SLOTS]
        left.append((account.balance, account.nonce, slots))
    return left


def check(alloc: Mapping[Address, Alloc], calldata: bytes) -> None:
    """Compare."""
    assert in_steps(alloc, calldata) == in_revm(alloc, calldata)


# ----------------------------------------------------------------------------------- single opcodes


@st.composite
def uses(draw: st.DrawFn) -> bytes:
    """Code of one opcode on random items; its result stays."""
    op = draw(st.sampled_from(ON_WORDS))
    row = OPCODES[op]
    assert row is not None
    looks = op in (Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH)
    near = st.integers(0, 2_000) if op == Op.MLOAD else numbers
    return asm(*(draw(accounts if looks else near) for _ in range(row.pops)), op)


@given(
    codes=st.lists(uses(), min_size=1, max_size=15),
    calldata=st.binary(max_size=80),
)
def test_opcode__random_items__pushes_what_revm_does(codes: list[bytes], calldata: bytes) -> None:
    code = b"".join(code + asm(32 * place, Op.MSTORE) for place, code in enumerate(codes))
    code += asm(32 * len(codes), 0, Op.RETURN)
    alloc = {
        SENDER: Alloc(balance=BALANCE),
        MAIN: Alloc(nonce=1, balance=5, code=code),
        Address(CONTRACTS[1]): Alloc(nonce=1, code=b"\x5b\x00\x01"),
        Address(CONTRACTS[2]): Alloc(balance=3),
    }

    check(alloc, calldata)


# ----------------------------------------------------------------------------------------- programs


@given(codes=st.lists(programs, min_size=3, max_size=3), calldata=st.binary(max_size=70))
def test_frames__random_programs__end_as_in_revm(codes: list[bytes], calldata: bytes) -> None:
    alloc = {SENDER: Alloc(balance=BALANCE)}
    for address, code in zip(CONTRACTS, codes, strict=True):
        alloc[Address(address)] = Alloc(nonce=1, balance=BALANCE, code=code)

    check(alloc, calldata)
