"""``debug_traceTransaction`` and ``debug_traceCall``."""

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import StoredTransaction
from optimistic.node.rpc.bounded_tracers import BoundedCallTracer, BoundedStepTracer
from optimistic.node.rpc.call_args import parse_block_override, parse_call, parse_state_override
from optimistic.node.rpc.codec import parse_hash, parse_object
from optimistic.node.rpc.errors import server_error
from optimistic.node.rpc.formatting import Json
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import MethodTable, executing
from optimistic.node.rpc.simulation import NO_BLOCK_OVERRIDE, NO_STATE_OVERRIDE, Simulator
from optimistic.node.rpc.traces import (
    Ending,
    TraceOptions,
    call_trace_json,
    parse_trace_options,
    struct_logs_json,
)
from optimistic.protocol.engine import Outcome, Skip
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.execution.simulate import trace_deposit, trace_transaction
from optimistic.protocol.execution.tracers import CallTracer, StepTracer
from optimistic.protocol.transactions import decode_transaction

_DEFAULT_OPTIONS = TraceOptions()


class Debug:
    """Traces of executed transactions and of calls.

    Parameters
    ----------
    reader : the chain
    simulator : builds the states to repeat them on
    limits : bounds on traces
    """

    def __init__(self, reader: ChainReader, simulator: Simulator, limits: RpcLimits) -> None:
        self._reader = reader
        self._simulator = simulator
        self._limits = limits

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "debug_traceTransaction": executing(self.trace_transaction),
            "debug_traceCall": executing(self.trace_call),
        }

    def trace_transaction(self, params: Params) -> Json:
        """``debug_traceTransaction``: an executed transaction or deposit, repeated."""
        params.at_most(2)
        tx_hash = params.required(0, parse_hash)
        options = params.optional(1, parse_trace_options, _DEFAULT_OPTIONS)
        stored = self._reader.transaction_by_hash(tx_hash)
        if stored is None:
            raise server_error("transaction not found")
        tracer = self._tracer(options)
        outcome = self._repeat(stored, tracer)
        ending = Ending(
            gas_limit=_gas_limit(stored),
            gas_used=outcome.gas_used,
            failed=outcome.status == 0,
            output=outcome.output,
        )
        return _trace_json(tracer, ending, options)

    def trace_call(self, params: Params) -> Json:
        """``debug_traceCall``: a call, run and forgotten."""
        params.at_most(3)
        message = params.required(0, parse_call)
        config = params.optional(2, parse_object, {})
        more = Params([config, config.get("stateOverrides"), config.get("blockOverrides")])
        options = more.required(0, parse_trace_options)
        overrides = more.optional(1, parse_state_override, NO_STATE_OVERRIDE)
        assumed = more.optional(2, parse_block_override, NO_BLOCK_OVERRIDE)
        simulation = self._simulator.after(params.block_id(1), overrides, assumed)
        tracer = self._tracer(options)
        result = simulation.call(message, tracer)
        ending = Ending(
            gas_limit=simulation.gas_ceiling if message.gas is None else message.gas,
            gas_used=result.gas_used,
            failed=result.error is not None,
            output=result.output,
        )
        return _trace_json(tracer, ending, options)

    def _tracer(self, options: TraceOptions) -> CallTracer | StepTracer:
        if options.calls:
            return BoundedCallTracer(self._limits.max_trace_bytes)
        limit = min(options.limit or self._limits.max_trace_steps, self._limits.max_trace_steps)
        return BoundedStepTracer(
            self._limits.max_trace_bytes, memory=options.memory, storage=options.storage, limit=limit
        )

    def _repeat(self, stored: StoredTransaction, tracer: CallTracer | StepTracer) -> Outcome:
        simulation = self._simulator.before(stored)
        outcome: Outcome | Skip
        if stored.deposit is not None and stored.deposit_index is not None:
            outcome = trace_deposit(simulation, stored.deposit_index, stored.deposit, tracer)
        else:
            outcome = trace_transaction(simulation, stored.raw, tracer)
        if isinstance(outcome, Skip):
            raise CriticalError(f"transaction {stored.hash.hex()} does not repeat: {outcome.reason}")
        return outcome


def _gas_limit(stored: StoredTransaction) -> int:
    if stored.deposit is not None:
        return stored.deposit.gas_limit
    return decode_transaction(stored.raw).gas_limit


def _trace_json(tracer: CallTracer | StepTracer, ending: Ending, options: TraceOptions) -> Json:
    if isinstance(tracer, StepTracer):
        return struct_logs_json(tracer, ending, options)
    if tracer.root is None:
        raise server_error("the message never started: there is nothing to trace")
    return call_trace_json(tracer.root, ending, options)
