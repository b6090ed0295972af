"""A machine without an EVM: each step hashes the state before it. Its right traces and its verifier."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Hash32

START: Final = keccak256(b"before everything")


class WitnessRefused(InvalidInput):
    """A witness of another step."""


class ToyMachine:
    """The right computation of some batches; implements `Traces`, and `Inbox` of the rules.

    Parameters
    ----------
    log_arity : bits per level of the trees
    batches : number of steps of each unit of each batch; behind them everything stands still
    """

    def __init__(self, log_arity: int, batches: Sequence[Sequence[int]]) -> None:
        self.log_arity: Final = log_arity
        self.batches: Final = batches
        state, self.leaves = START, list[list[Hash32]]()
        for offset, counts in enumerate(batches):
            self.leaves.append([])
            for unit, count in enumerate(counts):
                for v in range(count):
                    state = _next(state, (offset << UNIT_BITS) + unit, v)
                self.leaves[-1].append(state)
        self._units: Final = UnitTree(log_arity, self.leaves)
        self.steps = cache(self.steps)  # type: ignore[method-assign] # each trace is built once

    def count(self, j: int) -> int:
        """Number of steps of unit j; 0 behind the last unit of its batch."""
        offset, unit = divmod(j, 1 << UNIT_BITS)
        counts = self.batches[offset] if offset < len(self.batches) else ()
        return counts[unit] if unit < len(counts) else 0

    def before(self, j: int) -> Hash32:
        """The state before unit j."""
        return self._units.node(0, j - 1).hash if j else START

    # ------------------------------------------------------------------------------ Traces

    def units(self) -> UnitTree:
        return self._units

    def steps(self, j: int) -> TraceTree:
        state = self.before(j)
        states = [state := _next(state, j, v) for v in range(self.count(j))]
        return TraceTree(self.log_arity, states or [state])

    def witness(self, j: int, v: int) -> bytes:
        before = self.before(j) if v == 0 else self.steps(j).node(0, v - 1).hash
        return _witness(before, j, v)

    # ------------------------------------------------------------------------------ Inbox

    def acc(self, index: int) -> Hash32:
        return keccak256(abi_words(index))

    def verifier(self, config: int) -> "ToyMachine":
        return self

    def __call__(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> Hash32:
        """The one-step verifier: total, for false states, too."""
        if witness != _witness(pre, j, v):
            raise WitnessRefused
        return _next(pre, j, v) if v < self.count(j) else pre


def _next(state: Hash32, j: int, v: int) -> Hash32:
    return keccak256(b"step" + abi_words(state, j, v))


def _witness(pre: Hash32, j: int, v: int) -> bytes:
    return b"witness" + abi_words(pre, j, v)
