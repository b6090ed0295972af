"""A jump behind any byte: the verifier knows how long each instruction is, defined or not."""

import pytest

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.prover import prove_next
from optimistic.protocol.stepper.state import Halt, Stack
from optimistic.protocol.types import ZERO_HASH
from tests.helpers.onchain_host import OnchainHost
from tests.helpers.opcode_stage import stage

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


@pytest.mark.parametrize("repeats", [1, 9, 20])
def test_jump__behind_any_byte__is_known_to_both_sides(host: OnchainHost, repeats: int) -> None:
    for byte in range(256):
        data = byte - Op.PUSH0 if Op.PUSH1 <= byte <= Op.PUSH32 else 0
        code = bytes((Op.JUMP,)) + bytes((byte, *(Op.JUMPDEST,) * data)) * repeats + bytes((Op.JUMPDEST,))
        for target in (len(code) - 1, len(code) - 2):
            setting = stage(code=code, stack=Stack([target]))
            pre = setting.m.hash()
            witness = prove_next(setting.be, 1, 1, ZERO_HASH, setting.m)

            post, _ = host.prove_step(pre, 1, 1, ZERO_HASH, witness.encode())

            assert post == setting.m.hash(), (byte, target)
            is_found = target == len(code) - 1 or byte == Op.JUMPDEST
            assert setting.frame.halt is (Halt.RUNNING if is_found else Halt.EXCEPTIONAL)
