"""The verifier's contracts against the step machine: each index of the virtual trace."""

from dataclasses import replace
from itertools import product
from typing import Final

import pytest

from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.contract_host import Reverted
from tests.helpers.onchain_host import OnchainHost
from tests.helpers.opcode_stage import Stage, stage
from tests.helpers.stepper_batch import prove_step

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

LAST: Final = (1 << STEP_BITS) - 1
BATCH: Final = 1 << UNIT_BITS
ACC: Final = Hash32(b"\xac" * 32)
IN_FRAME: Final = (Phase.EXEC, Phase.PRECOMPILE, Phase.CREATE_ENTER, Phase.EXIT)
IN_TX: Final = (Phase.TX_ACCESS, Phase.TX_ENTER, *IN_FRAME, Phase.TX_END, Phase.TX_DESTROY)
AT_REST: Final = (Phase.BOUNDARY, Phase.IDLE, Phase.ERRORED)


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


def machine_in(phase: Phase) -> Stage:
    """Return an open block in this phase, with the parts that the phase has."""
    setting = stage(code=bytes.fromhex("5b600056"))
    m = setting.m
    m.phase = phase
    if phase not in IN_FRAME:
        m.frame = None
    if phase not in IN_TX:
        m.tx = m.journal = None
    return setting


def prove(host: OnchainHost, phase: Phase, j: int, v: int, acc: Hash32) -> Phase:
    """Apply index v of unit j on both sides and return the phase after it."""
    setting = machine_in(phase)
    step = prove_step(setting.be, setting.m, j, v, acc)

    assert host.prove(step) == step.post
    return setting.m.phase


@pytest.mark.parametrize("phase", AT_REST)
def test_step__at_rest_after_index_zero__is_padding(host: OnchainHost, phase: Phase) -> None:
    for v, j, acc in product((1, 2, LAST - 1, LAST), (0, 5, BATCH), (ZERO_HASH, ACC)):
        assert prove(host, phase, j, v, acc) is phase


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.IDLE])
def test_step__batch_begins_where_none_ended__fails(host: OnchainHost, phase: Phase) -> None:
    for j, acc in product((0, BATCH, 7 * BATCH), (ZERO_HASH, ACC)):
        assert prove(host, phase, j, 0, acc) is Phase.ERRORED


@pytest.mark.parametrize("j", [0, BATCH, 7 * BATCH])
def test_step__no_more_batches__idles(host: OnchainHost, j: int) -> None:
    assert prove(host, Phase.IDLE, j, 0, ZERO_HASH) is Phase.IDLE


@pytest.mark.parametrize("phase", list(Phase))
def test_step__later_unit_begins__as_the_step_machine(host: OnchainHost, phase: Phase) -> None:
    expected = {Phase.IDLE: Phase.IDLE, Phase.BOUNDARY: Phase.BLOCK_END}.get(phase, Phase.ERRORED)

    for j, acc in product((1, 5, BATCH - 1, BATCH + 1), (ZERO_HASH, ACC)):
        assert prove(host, phase, j, 0, acc) is expected


def test_step__last_index__fails_unless_the_unit_ends_there(host: OnchainHost) -> None:
    assert prove(host, Phase.EXEC, 5, LAST - 1, ZERO_HASH) is Phase.EXEC
    assert prove(host, Phase.EXEC, 5, LAST, ZERO_HASH) is Phase.ERRORED
    assert prove(host, Phase.EXIT, 5, LAST, ZERO_HASH) is Phase.ERRORED
    assert prove(host, Phase.TX_END, 5, LAST, ZERO_HASH) is Phase.BOUNDARY
    assert prove(host, Phase.BLOCK_END, 5, LAST, ZERO_HASH) is Phase.BOUNDARY


def test_step__another_machine__is_refused(host: OnchainHost) -> None:
    setting = machine_in(Phase.EXEC)
    step = prove_step(setting.be, setting.m)

    with pytest.raises(Reverted):
        host.prove(replace(step, pre=Hash32(b"\x01" * 32)))
