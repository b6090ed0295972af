"""The engine that executes: transactions and deposits on py-evm.

Every unit either takes effect as a whole or leaves the state untouched, and
ends with a committed state root. Nothing a batch can contain raises: an invalid
transaction is a `Skip`, a failing deposit keeps its mint and nonce.

Source: docs/spec/04-execution.md
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from optimistic.protocol.accounts import MAX_NONCE, Account
from optimistic.protocol.constants import MAX_INITCODE_BYTES
from optimistic.protocol.engine import BlockEnv, Lane, Outcome, Skip
from optimistic.protocol.execution.evm_state import EvmState
from optimistic.protocol.execution.executor import MessageResult, TopMessage, net_gas, run_message
from optimistic.protocol.execution.precompiles import Precompiles
from optimistic.protocol.execution.tracers import Tracer
from optimistic.protocol.mpt import NodeReader, NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import Deposit, deposit_tx_hash
from optimistic.protocol.transactions import (
    BlockFields,
    InvalidTransaction,
    Transaction,
    decode_transaction,
    intrinsic_gas,
    intrinsic_message_gas,
    recover_sender,
    validate,
    within_budget,
)
from optimistic.protocol.types import Address, Hash32

RECURSION_LIMIT: Final = 16_384
"""Python frames for 1,024 nested calls: each takes about eight, and none of them uses the C stack."""

sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))


class UnitExecutor:
    """Executes units on one world state in memory; `tracer`, if given, hears of every frame."""

    def __init__(
        self, params: RollupParams, nodes: NodeReader, state_root: Hash32, tracer: Tracer | None = None
    ) -> None:
        self._params = params
        self._state = EvmState(nodes, state_root, Precompiles(params))
        self._state.tracer = tracer

    @property
    def state_root(self) -> Hash32:
        """World state root after the last unit."""
        return self._state.state_root

    def account(self, address: Address) -> Account:
        """Return the account after the last unit; its storage root is current."""
        return self._state.account(address)

    def begin_block(self, env: BlockEnv) -> None:
        """Set what block opcodes see from now on."""
        self._state.begin_block(env)

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        """Execute raw transaction bytes.

        Parameters
        ----------
        raw : any bytes
        left : gas left in the general and the system lane
        """
        try:
            tx = decode_transaction(raw)
            sender = recover_sender(tx)
            env = self._state.env
            block = BlockFields(env.chain_id, env.gas_limit, env.base_fee)
            validate(tx, self._state.account(sender), self._params, block)
            if not within_budget(tx, left):
                raise InvalidTransaction("over_budget")
        except InvalidTransaction as error:
            return Skip(reason=error.reason)
        with self._all_or_nothing():
            return self._execute(tx, sender)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the state as it was if a fault of ours interrupts the unit."""
        finished = False
        try:
            yield
            finished = True
        finally:
            if not finished:
                self._state.discard_transaction()

    def _execute(self, tx: Transaction, sender: Address) -> Outcome:
        """Run a valid transaction: buy gas, execute, refund, pay the coinbase."""
        state, base_fee = self._state, self._state.env.base_fee
        price, intrinsic = tx.gas_price(base_fee), intrinsic_gas(tx)
        state.set_nonce(sender, tx.nonce + 1)
        state.delta_balance(sender, -tx.gas_limit * price)
        result = run_message(
            state,
            TopMessage(
                sender=sender,
                to=tx.to,
                value=tx.value,
                data=tx.data,
                gas=tx.gas_limit - intrinsic,
                gas_price=price,
                nonce=tx.nonce,
                access_list=tx.access_list,
            ),
        )
        used = net_gas(tx.gas_limit, result)
        state.delta_balance(sender, (tx.gas_limit - used) * price)
        self._pay_coinbase(used * (price - base_fee))
        return self._outcome(
            result,
            tx_hash=tx.hash,
            sender=sender,
            to=tx.to,
            nonce=tx.nonce,
            gas_used=used,
            execution_gas=max(0, used - intrinsic),
            lane=tx.lane,
            effective_gas_price=price,
        )

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        """Execute deposit number `index` of the queue.

        Whatever fails, the mint and the raised nonce remain; a failure that is
        not a revert uses the whole gas limit.
        """
        with self._all_or_nothing():
            return self._execute_deposit(index, deposit)

    def _execute_deposit(self, index: int, deposit: Deposit) -> Outcome:
        """Mint, raise the nonce, run the message if it can start."""
        state, sender = self._state, deposit.sender
        if deposit.mint:
            state.delta_balance(sender, deposit.mint)
        nonce = state.get_nonce(sender)
        if nonce < MAX_NONCE:
            state.set_nonce(sender, nonce + 1)
        to = None if deposit.is_create else deposit.to
        intrinsic = intrinsic_message_gas(deposit.data, is_create=deposit.is_create)
        result = _UNPAYABLE
        if self._runs(deposit, nonce, intrinsic):
            top = TopMessage(
                sender=sender,
                to=to,
                value=deposit.value,
                data=deposit.data,
                gas=deposit.gas_limit - intrinsic,
                gas_price=0,
                nonce=nonce,
            )
            result = run_message(state, top)
        return self._outcome(
            result,
            tx_hash=deposit_tx_hash(index, deposit),
            sender=sender,
            to=to,
            nonce=nonce,
            gas_used=net_gas(deposit.gas_limit, result),
            execution_gas=0,
            lane=Lane.GENERAL,
            effective_gas_price=0,
        )

    def _runs(self, deposit: Deposit, nonce: int, intrinsic: int) -> bool:
        """Whether the deposit's message can start at all."""
        return (
            nonce < MAX_NONCE
            and self._state.get_balance(deposit.sender) >= deposit.value
            and deposit.gas_limit >= intrinsic
            and not (deposit.is_create and len(deposit.data) > MAX_INITCODE_BYTES)
        )

    def _pay_coinbase(self, fee: int) -> None:
        """Credit the fee; the coinbase is touched even if it is zero."""
        coinbase = self._state.env.coinbase
        self._state.touch_account(coinbase)
        if fee:
            self._state.delta_balance(coinbase, fee)

    def _outcome(  # noqa: PLR0913 - one value per field that both kinds of unit know themselves
        self,
        result: MessageResult,
        *,
        tx_hash: Hash32,
        sender: Address,
        to: Address | None,
        nonce: int,
        gas_used: int,
        execution_gas: int,
        lane: Lane,
        effective_gas_price: int,
    ) -> Outcome:
        """Commit the unit and describe it."""
        logs = tuple(self._state.logs)
        return Outcome(
            tx_hash=tx_hash,
            sender=sender,
            to=to,
            nonce=nonce,
            status=int(result.error is None),
            gas_used=gas_used,
            execution_gas=execution_gas,
            lane=lane,
            logs=logs,
            contract_address=result.contract_address,
            output=result.output,
            effective_gas_price=effective_gas_price,
            state_root=self._state.finish_transaction(),
        )


class EvmEngine(UnitExecutor):
    """A `UnitExecutor` whose state is kept in `nodes` from each `flush` on."""

    def __init__(self, params: RollupParams, nodes: NodeStore, state_root: Hash32) -> None:
        super().__init__(params, nodes, state_root)
        self._nodes = nodes

    def flush(self) -> None:
        """Store all trie nodes and code built since the last flush."""
        self._state.flush(self._nodes)


_UNPAYABLE: Final = MessageResult(
    gas_left=0, refund=0, error="CannotStart", reverted=False, output=b"", contract_address=None
)
