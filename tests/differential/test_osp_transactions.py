"""Transactions and whole batches on L1: the bytecode proves every step, and py-evm agrees on every unit."""

import copy
from dataclasses import replace
from functools import cache
from itertools import count
from typing import Any, Final

import pytest

from optimistic.protocol.batch import HEADER_BYTES, TX_PREFIX_BYTES, VERSION_BYTES
from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import RESTING
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.batch_cases import data_cases, validity_cases
from tests.helpers.evm_world import ALICE, BOB, Alloc
from tests.helpers.onchain_host import OnchainHost, host_of
from tests.helpers.stepper_batch import Proven, StepperBatch, prove_step
from tests.helpers.transaction_batches import (
    MOST,
    PASSED_OVER,
    access_at_any_offset,
    access_cases,
    access_list,
    batch_of,
    fee_cases,
    ill_formed_batch,
    limit_cases,
    mutated_batch,
    number_address,
    target_cases,
    three_blocks,
    well_formed_cases,
)

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

LAST: Final = (1 << STEP_BITS) - 1
NEXT_BATCH: Final = 1 << UNIT_BITS
BEGINNING: Final = (Phase.TX_BEGIN, Phase.TX_ACCESS, Phase.TX_ENTER)
MAX_CALLDATA: Final = 128 * 1024
"""Bytes of a transaction that nodes of L1 pass on."""
CALL_BYTES: Final = 4 + 6 * 32
"""Bytes of a call of the verifier beside the witness."""
OVERHEAD: Final = VERSION_BYTES + HEADER_BYTES + TX_PREFIX_BYTES
"""Bytes of a batch before its first transaction."""

WHOLE: Final = {**data_cases(), **validity_cases(), "three_blocks_of_everything": three_blocks()}
BEGUN: Final = {
    **access_cases(),
    "access_at_any_offset": access_at_any_offset(),
    **target_cases(),
    **limit_cases(),
    **fee_cases(),
}
WELL_FORMED: Final = well_formed_cases()


def prove_beginnings(batch: StepperBatch) -> list[Phase]:
    """Prove the steps with which the batch's transactions begin, and return their phases."""
    host = host_of(batch.params, batch.deposit_hashes)
    steps = list(batch.proofs(lambda _be, m, _j, _v: m.phase in BEGINNING))
    for proven in steps:
        assert host.prove(proven) == proven.post, (proven.j, proven.v, proven.phase)
    return [proven.phase for proven in steps]


def leaves_of_pyevm(batch: StepperBatch) -> list[Hash32]:
    return [unit.leaf for unit in batch.replay()]


# ----------------------------------------------------------------------------------------- whole batches


def prove_index(host: OnchainHost, be: Full, j: int, v: int, acc: Hash32, m: Machine) -> None:
    """Change the machine by one index of a unit, on both sides."""
    proven = prove_step(be, m, j, v, acc)
    assert host.prove(proven) == proven.post, (j, v)


@pytest.mark.parametrize("name", WHOLE)
def test_batch__every_index_proven_on_l1__ends_units_as_py_evm_does(name: str) -> None:
    batch = WHOLE[name]
    host, be, m = host_of(batch.params, batch.deposit_hashes), batch.full(), batch.machine()
    leaves: list[Hash32] = []
    while not leaves or m.phase is Phase.BOUNDARY:
        j, v = len(leaves), 0
        prove_index(host, be, j, v, batch.acc, m)
        while m.phase not in RESTING:
            v += 1
            prove_index(host, be, j, v, batch.acc, m)
        leaves.append(m.hash())
        for padding in (v + 1, LAST):
            prove_index(host, be, j, padding, batch.acc, m)
        assert m.hash() == leaves[-1]

    assert leaves == leaves_of_pyevm(batch)
    prove_index(host, be, len(leaves), 0, batch.acc, m)
    prove_index(host, be, NEXT_BATCH, 0, ZERO_HASH, m)
    assert m.hash() == leaves[-1]


def test_unit__not_ended_at_the_last_index__fails() -> None:
    batch = three_blocks()
    host = host_of(batch.params, batch.deposit_hashes)
    verifier, leaves = batch.verifier(), batch.leaves()
    for proven in batch.proofs():
        if proven.v != 0:
            post = verifier.step(proven.pre, proven.j, LAST, proven.acc, proven.witness)

            assert host.prove(replace(proven, v=LAST)) == post
            assert (post == proven.post) is (proven.post in leaves)


# ----------------------------------------------------------------------------------------- beginnings


@pytest.mark.parametrize("name", BEGUN)
def test_transaction__named__begins_alike_on_l1_and_in_py_evm(name: str) -> None:
    phases = prove_beginnings(BEGUN[name])

    assert Phase.TX_BEGIN in phases
    assert (Phase.TX_ENTER not in phases) is (name in PASSED_OVER)
    assert BEGUN[name].leaves() == leaves_of_pyevm(BEGUN[name])


def test_transaction__unit_of_another_chain__is_judged_by_the_unit() -> None:
    batch = batch_of(chainId=7)
    elsewhere = replace(batch.start, unit=replace(batch.start.unit, chain_id=7))

    assert Phase.TX_ENTER not in prove_beginnings(batch)
    assert Phase.TX_ENTER in prove_beginnings(replace(batch, start=elsewhere))


@pytest.mark.parametrize("name", WELL_FORMED)
def test_transaction__well_formed__begins_alike_on_l1_and_in_py_evm(name: str) -> None:
    assert Phase.TX_BEGIN in prove_beginnings(WELL_FORMED[name])
    assert WELL_FORMED[name].leaves() == leaves_of_pyevm(WELL_FORMED[name])


@pytest.mark.parametrize("batch", [ill_formed_batch(), mutated_batch()], ids=["ill_formed", "mutated"])
def test_transaction__wrong_bytes__is_passed_over(batch: StepperBatch) -> None:
    phases = prove_beginnings(batch)

    assert set(phases) == {Phase.TX_BEGIN}
    assert len(phases) == len(batch.leaves()) - 4  # beginning and end of the batch and of the block
    assert batch.leaves() == leaves_of_pyevm(batch)


# ----------------------------------------------------------------------------------------- cost on L1


def longest(n_data: int, **fields: Any) -> StepperBatch:
    """Return a transaction of up to 65,536 bytes, with this much data, that costs all its sender can have."""
    batch = batch_of(
        {ALICE: Alloc(balance=MOST)},
        gas=DEVNET.tx_gas_cap,
        maxFeePerGas=MOST // DEVNET.tx_gas_cap - 1,
        value=DEVNET.tx_gas_cap,
        data=b"\1" * n_data,
        **fields,
    )
    assert 65_400 < len(batch.data) - OVERHEAD <= DEVNET.max_tx_bytes
    return batch


@cache
def longest_cases() -> dict[str, StepperBatch]:
    """Transactions of the greatest length, filled in each way."""
    return {
        "data": longest(65_370),
        "empty_entries": longest(
            16, accessList=access_list(*((number_address(i), ()) for i in range(2_840)))
        ),
        "keys": longest(16, accessList=access_list((BOB, range(1_978)))),
        "initcode": longest(49_152, to=None, accessList=access_list((BOB, range(490)))),
    }


def last_step(batch: StepperBatch, phase: Phase) -> Proven:
    """Return the last step in this phase."""
    be, m = batch.full(), batch.machine()
    found = None
    for j in range(3):
        for v in count():
            if m.phase is phase:
                found = j, v, copy.deepcopy(m)
            next_state(be, j, v, batch.acc, m)
            if m.phase in RESTING or m.phase is Phase.EXEC:
                break
    assert found is not None
    j, v, before = found
    return prove_step(be, before, j, v, batch.acc)


@pytest.mark.parametrize("phase", BEGINNING)
@pytest.mark.parametrize("name", ["data", "empty_entries", "keys", "initcode"])
def test_step__of_longest_transaction__fits_one_of_l1(name: str, phase: Phase) -> None:
    if (name, phase) == ("data", Phase.TX_ACCESS):
        return
    proven = last_step(longest_cases()[name], phase)

    assert len(proven.witness.encode()) + CALL_BYTES <= MAX_CALLDATA
    assert host_of(DEVNET).prove(proven) == proven.post  # it has no more gas than a transaction of L1
