"""Proving one step of a unit, and checking such a proof."""

from collections.abc import Callable
from dataclasses import dataclass

from optimistic.protocol.params import RollupParams
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.recording import Recording
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import load_code
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.stepper.witness import Witness, reads_opcode
from optimistic.protocol.stepper.witness_only import WitnessOnly
from optimistic.protocol.types import Hash32


def prove_next(full: Full, j: int, v: int, acc: Hash32, m: Machine) -> Witness:
    """Return the witness of index v of unit j, where the machine stands, and change the machine by it.

    Parameters
    ----------
    full : has what the step needs
    acc : the inbox accumulator of the batch, zero if the assertion has no such batch
    m : S(v) of the unit; S(v + 1) afterwards
    """
    code = load_code(full, m.frame) if m.frame is not None and reads_opcode(m) else b""
    before = Witness.of(m, code)
    recording = Recording(full)
    next_state(recording, j, v, acc, m)
    return before.with_tape(recording.tape)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks proofs of steps, as the contract on L1 does.

    Attributes
    ----------
    params : consensus parameters
    deposit_hash : what L1 stores for a deposit of the queue, by index
    """

    params: RollupParams
    deposit_hash: Callable[[int], Hash32]

    def step(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: Witness) -> Hash32:
        """Return the hash of the machine after index v of unit j.

        Parameters
        ----------
        pre : hash of the machine before, on which the parties agree
        acc : the inbox accumulator of the batch, zero if the assertion has no such batch

        Raises
        ------
        InvalidWitness : the witness does not prove the step from `pre`
        """
        m = witness.start()
        if m.hash() != pre:
            raise InvalidWitness("the machine is not the one before the step")
        backend = WitnessOnly(self.params, witness.tape, self.deposit_hash)
        next_state(backend, j, v, acc, m)
        backend.finish()
        return m.hash()
