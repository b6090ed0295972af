"""Running messages that are not part of the chain, and watching those that are.

A `Simulation` is one state with its block, possibly with assumptions about
accounts. Nothing it does reaches the node store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from optimistic.protocol.accounts import MAX_NONCE
from optimistic.protocol.engine import BlockEnv, Log, Outcome, Skip
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.execution.engine import UnitExecutor
from optimistic.protocol.execution.evm_state import EvmState
from optimistic.protocol.execution.executor import TopMessage, net_gas, run_message
from optimistic.protocol.execution.precompiles import Precompiles
from optimistic.protocol.execution.tracers import AccessTracer, Tracer
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.transactions import (
    AccessList,
    access_list_gas,
    create_address,
    intrinsic_message_gas,
)
from optimistic.protocol.types import Address, Hash32

_CALL_STIPEND: Final = 2_300
_ESTIMATE_PRECISION: Final = 64
"""Estimates stop at this fraction: where the need depends on the gas limit, a bit costs a run."""
_ACCESS_LIST_ROUNDS: Final = 8


class CannotRun(InvalidInput):
    """The message cannot start: funds or gas are missing."""


class CallFailed(InvalidInput):
    """The message fails with all the gas it may get; `result` says how."""

    def __init__(self, result: "CallResult") -> None:
        super().__init__(result.error or "")
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMessage:
    """A message to simulate."""

    sender: Address
    to: Address | None
    """None creates a contract."""
    value: int = 0
    data: bytes = b""
    gas: int | None = None
    """Gas limit; None for as much as a transaction may have."""
    gas_price: int = 0
    """Wei per gas; 0 means that gas is not paid for."""
    access_list: AccessList = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverride:
    """What a simulation assumes about one account; None leaves a part as it is."""

    balance: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    storage: Mapping[int, int] | None = None
    """The whole storage, slot to value."""
    storage_changes: Mapping[int, int] | None = None
    """Single slots, slot to value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """How a simulated message ended."""

    output: bytes
    """Returned data; revert data when `reverted`."""
    gas_used: int
    """Intrinsic gas included, refunds subtracted."""
    gas_needed: int
    """Gas used before refunds: a lower bound of a sufficient gas limit."""
    error: str | None
    """Name of the failure, None on success."""
    reverted: bool
    logs: tuple[Log, ...]
    contract_address: Address | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessListResult:
    """An access list that covers a message, and its cost with that list."""

    access_list: AccessList
    gas_used: int
    error: str | None


@dataclass(kw_only=True)
class Simulation:
    """One state in one block.

    Attributes
    ----------
    params, nodes : parameters of the chain; trie nodes and code
    env, root : the block that opcodes see; the state root to start from
    overrides : assumptions about accounts
    """

    params: RollupParams
    nodes: NodeReader
    env: BlockEnv
    root: Hash32
    overrides: Mapping[Address, AccountOverride] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._state = EvmState(self.nodes, self.root, Precompiles(self.params))
        self._state.begin_block(self.env)
        for address, override in self.overrides.items():
            self._override(address, override)
        self._state.begin_transaction()

    @property
    def gas_ceiling(self) -> int:
        """Most gas a transaction may have."""
        return min(self.params.tx_gas_cap, self.env.gas_limit)

    def call(self, message: CallMessage, tracer: Tracer | None = None) -> CallResult:
        """Run `message` and forget its effects.

        Raises
        ------
        CannotRun : the sender cannot pay, or the gas limit is below the intrinsic gas
        """
        gas_limit = self.gas_ceiling if message.gas is None else min(message.gas, self.gas_ceiling)
        intrinsic = _intrinsic(message)
        if gas_limit < intrinsic:
            raise CannotRun(f"intrinsic gas too low: have {gas_limit}, want {intrinsic}")
        self._require_funds(message, gas_limit)
        state = self._state
        state.tracer = tracer
        try:
            return self._run(message, gas_limit, intrinsic)
        finally:
            state.tracer = None
            state.discard_transaction()

    def estimate_gas(self, message: CallMessage) -> int:
        """Return a gas limit with which `message` succeeds: the least one, up to 1/64 of it.

        Raises
        ------
        CannotRun : the sender cannot pay for the value, or for any gas
        CallFailed : it fails with as much gas as it may have
        """
        high = self._affordable_gas(message)
        first = self.call(replace(message, gas=high))
        if first.error is not None:
            raise CallFailed(first)
        low = first.gas_needed
        if self._succeeds(replace(message, gas=low)):
            return low
        middle = (low + _CALL_STIPEND) * 64 // 63
        while (high - low) * _ESTIMATE_PRECISION > high:
            if not low < middle < high:
                middle = (low + high) // 2
            if self._succeeds(replace(message, gas=middle)):
                high = middle
            else:
                low = middle
            middle = (low + high) // 2
        return high

    def access_list(self, message: CallMessage) -> AccessListResult:
        """Return the accounts and slots `message` touches beyond those that are warm anyway.

        Raises
        ------
        CannotRun : the message cannot start
        """
        target = message.to
        if target is None:
            target = create_address(message.sender, self._state.get_nonce(message.sender))
        listed = message.access_list
        for _ in range(_ACCESS_LIST_ROUNDS):
            tracer = AccessTracer(message.sender, target, self.env.coinbase)
            result = self.call(replace(message, access_list=listed), tracer)
            found = _as_access_list(tracer.accessed)
            if found == listed:
                break
            listed = found
        return AccessListResult(access_list=listed, gas_used=result.gas_used, error=result.error)

    def _run(self, message: CallMessage, gas_limit: int, intrinsic: int) -> CallResult:
        """Execute a message with a gas limit and describe its result."""
        state, sender = self._state, message.sender
        nonce = state.get_nonce(sender)
        if nonce < MAX_NONCE:
            state.set_nonce(sender, nonce + 1)
        state.delta_balance(sender, -gas_limit * message.gas_price)
        top = TopMessage(
            sender=sender,
            to=message.to,
            value=message.value,
            data=message.data,
            gas=gas_limit - intrinsic,
            gas_price=message.gas_price,
            nonce=nonce,
            access_list=message.access_list,
        )
        result = run_message(state, top)
        return CallResult(
            output=result.output,
            gas_used=net_gas(gas_limit, result),
            gas_needed=gas_limit - result.gas_left,
            error=result.error,
            reverted=result.reverted,
            logs=tuple(state.logs),
            contract_address=result.contract_address,
        )

    def _succeeds(self, message: CallMessage) -> bool:
        """Whether the message runs without an error."""
        try:
            return self.call(message).error is None
        except CannotRun:
            return False

    def _require_funds(self, message: CallMessage, gas_limit: int) -> None:
        """Raise CannotRun if the sender cannot pay."""
        balance = self._state.get_balance(message.sender)
        need = message.value + gas_limit * message.gas_price
        if balance < need:
            raise CannotRun(f"insufficient funds for gas * price + value: have {balance}, want {need}")

    def _affordable_gas(self, message: CallMessage) -> int:
        """Return the highest gas limit the message may name and pay for."""
        limit = self.gas_ceiling if message.gas is None else min(message.gas, self.gas_ceiling)
        if message.gas_price:
            rest = self._state.get_balance(message.sender) - message.value
            limit = min(limit, max(rest, 0) // message.gas_price)
        return limit

    def _override(self, address: Address, override: AccountOverride) -> None:
        """Replace parts of an account before the call."""
        state = self._state
        if override.balance is not None:
            state.set_balance(address, override.balance)
        if override.nonce is not None:
            state.set_nonce(address, override.nonce)
        if override.code is not None:
            state.set_code(address, override.code)
        if override.storage is not None:
            state.delete_storage(address)
        for slots in (override.storage, override.storage_changes):
            for slot, value in (slots or {}).items():
                state.set_storage(address, slot, value)


def trace_transaction(simulation: Simulation, raw: bytes, tracer: Tracer) -> Outcome | Skip:
    """Repeat a transaction of the chain on the state before it, reporting to `tracer`."""
    executor = _observed_executor(simulation, tracer)
    return executor.apply_transaction(raw, (simulation.gas_ceiling, simulation.gas_ceiling))


def trace_deposit(simulation: Simulation, index: int, deposit: Deposit, tracer: Tracer) -> Outcome:
    """Repeat a deposit of the chain on the state before it, reporting to `tracer`."""
    return _observed_executor(simulation, tracer).apply_deposit(index, deposit)


def _observed_executor(simulation: Simulation, tracer: Tracer) -> UnitExecutor:
    """Return an executor on the simulation's state with a tracer."""
    executor = UnitExecutor(simulation.params, simulation.nodes, simulation.root, tracer)
    executor.begin_block(simulation.env)
    return executor


def _intrinsic(message: CallMessage) -> int:
    """Intrinsic gas of an unsigned message."""
    plain = intrinsic_message_gas(message.data, is_create=message.to is None)
    return plain + access_list_gas(message.access_list)


def _as_access_list(accessed: Mapping[Address, Mapping[int, bool]]) -> AccessList:
    """Return the accesses in order of address and slot."""
    return tuple(
        (address, tuple(Hash32(slot.to_bytes(32, "big")) for slot in sorted(slots)))
        for address, slots in sorted(accessed.items())
    )
