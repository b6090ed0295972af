"""The verifier's contracts and calldata that no encoder would make.

Offsets in calldata may lead anywhere. Where a witness begins differs from its own
encoding, they lead to bytes outside of it: the contract that does a step must find
there what the verifier found.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

import pytest

from optimistic.protocol.hashing import abi_word
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.abi import string
from optimistic.protocol.stepper.machine_codec import MACHINE_BYTES
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.tape import Tape
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import ZERO_HASH, Hash32
from tests.helpers.batch_cases import transaction_cases
from tests.helpers.contract_host import Reverted
from tests.helpers.onchain_host import host_of, step_calldata
from tests.helpers.stepper_batch import Proven

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

WORD: Final = 32
HEAD: Final = 4 + 5 * WORD
"""Selector and head of a call; the bytes of the witness follow their length."""
WITNESS: Final = WORD + MACHINE_BYTES + WORD
"""Where in the bytes of a witness the list of its parts begins."""
CODE: Final = WITNESS + 2 * WORD
"""Where in them the offset of the code stands."""


@cache
def samples() -> dict[Op, Proven]:
    """A step of each opcode that a batch with calls and creations runs."""
    found: dict[Op, Proven] = {}
    for proven in transaction_cases()["destroyed_thrice"].proofs():
        if proven.opcode is not None:
            found.setdefault(Op(proven.opcode), proven)
    return found


def outcome(calldata: bytes) -> Hash32 | None:
    """What the contracts make of a call; None if they refuse it."""
    try:
        return host_of(DEVNET).call(calldata)[0]
    except (Reverted, RuntimeError):
        return None


def encoded(proven: Proven, front: bytes, witness: bytes, behind: bytes = b"") -> bytes:
    """Encode a call with bytes before the witness, which its offset passes over, and behind it."""
    usual = step_calldata(proven.pre, proven.j, proven.v, proven.acc, witness)
    head = usual[: HEAD - WORD] + abi_word(5 * WORD + len(front))
    return head + front + usual[HEAD:] + behind


def with_code_at(witness: Witness, place: int) -> bytes:
    """Encode a witness whose code is `place` bytes behind the beginning of the list of its parts."""
    usual = replace(witness, code=b"").encode()
    return usual[:CODE] + abi_word(place % (1 << 256)) + usual[CODE + WORD :]


def as_stop(proven: Proven) -> Iterator[bytes]:
    """Yield calls whose code lies outside of the witness, which suits the opcode STOP otherwise."""
    bare = replace(proven.witness, stack=(), stack_rest=ZERO_HASH, tape=Tape())
    code = string(proven.witness.code)
    yield encoded(proven, code, with_code_at(bare, -len(code) - WORD - WITNESS))
    end = len(replace(bare, code=b"").encode())
    yield encoded(proven, b"", with_code_at(bare, end - WITNESS), code)


@pytest.mark.parametrize("op", samples())
def test_attack__code_outside_of_the_witness__is_the_same_for_every_contract(op: Op) -> None:
    proven = samples()[op]
    code = string(proven.witness.code)

    for call in as_stop(proven):
        assert outcome(call) in (None, proven.post)

    place = -len(code) - WORD - WITNESS
    assert outcome(encoded(proven, code, with_code_at(proven.witness, place))) == proven.post


@pytest.mark.parametrize("op", samples())
def test_attack__machine_that_ends_behind_the_witness__is_the_same_for_every_contract(op: Op) -> None:
    proven = samples()[op]
    right = proven.witness.encode()

    for length in (2 * WORD, WORD + MACHINE_BYTES - 1, WITNESS, WITNESS + 1, len(right) - 1):
        cut = encoded(proven, b"", right[:length])
        call = cut[: HEAD + WORD] + right
        assert outcome(call) in (None, proven.post), length
