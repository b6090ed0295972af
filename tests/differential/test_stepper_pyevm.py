"""The step machine against the engine that replays: the same random batches end every unit alike."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import Deposit
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_ADDRESS, Address
from tests.helpers.evm_world import ALICE, BOB, ETHER, Alloc, sign_tx
from tests.helpers.random_programs import BALANCE, CONTRACTS, programs
from tests.helpers.stepper_batch import StepperBatch, stepper_batch

MADE = tuple(create_address(ALICE, nonce) for nonce in range(3))
TARGETS = (*map(Address, CONTRACTS), ALICE, BOB, *MADE, Address(bytes(19) + b"\x02"))

addresses = st.sampled_from((*TARGETS, DEVNET.coinbase))
access_lists = st.lists(
    st.fixed_dictionaries(
        {
            "address": addresses.map(lambda address: "0x" + address.hex()),
            "storageKeys": st.lists(st.integers(0, 4).map(lambda key: f"0x{key:064x}"), max_size=9),
        }
    ),
    max_size=3,
)


@st.composite
def transactions(draw: st.DrawFn) -> dict[str, Any]:
    fee = draw(st.sampled_from((0, 0, 3)))
    to = draw(st.one_of(st.none(), st.sampled_from(TARGETS), st.sampled_from(TARGETS[:3])))
    return {
        "to": to,
        "data": draw(programs if to is None else st.binary(max_size=70)),
        "value": draw(st.sampled_from((0, 0, 1, BALANCE))),
        "gas": draw(st.sampled_from((25_000, 60_000, 150_000, 400_000))),
        "maxFeePerGas": fee,
        "maxPriorityFeePerGas": fee,
        "accessList": draw(access_lists),
    }


@st.composite
def deposits(draw: st.DrawFn) -> Deposit:
    to = draw(st.one_of(st.none(), st.sampled_from(TARGETS)))
    return Deposit(
        sender=draw(st.sampled_from((BOB, Address(CONTRACTS[0]), ALICE))),
        is_create=to is None,
        to=to or ZERO_ADDRESS,
        mint=draw(st.sampled_from((0, 5, ETHER))),
        value=draw(st.sampled_from((0, 5, 2 * ETHER))),
        gas_limit=draw(st.sampled_from((20_000, 21_000, 60_000, 300_000))),
        data=draw(programs if to is None else st.binary(max_size=40)),
        l1_timestamp=1,
    )


@st.composite
def batches(draw: st.DrawFn) -> StepperBatch:
    alloc = {ALICE: Alloc(balance=ETHER), BOB: Alloc(balance=1)}
    for address in CONTRACTS:
        code = draw(programs)
        alloc[Address(address)] = Alloc(nonce=1, balance=BALANCE, code=code, storage={1: 7, 300: 1})
    first = draw(st.lists(deposits(), max_size=2))
    nonce = sum(deposit.sender == ALICE for deposit in first)
    raw = []
    for fields in draw(st.lists(transactions(), max_size=3)):
        skips = draw(st.integers(0, 9)) == 0
        raw.append(b"\x02" + draw(st.binary(max_size=9)) if skips else sign_tx(**fields, nonce=nonce))
        nonce += not skips
    return stepper_batch(raw, alloc, deposits=first)


@given(batch=batches())
def test_step_machine__random_batches__end_units_as_py_evm_does(batch: StepperBatch) -> None:
    assert batch.leaves() == [unit.leaf for unit in batch.replay()]


@given(batch=batches())
def test_step_machine__each_step__is_proven_by_its_witness(batch: StepperBatch) -> None:
    verifier = batch.verifier()
    for proven in batch.proofs():
        witness = Witness.decode(proven.witness.encode())
        post = verifier.step(proven.pre, proven.j, proven.v, proven.acc, witness)
        assert post == proven.post, (proven.j, proven.v, proven.phase)
