"""Traces as JSON: go-ethereum's ``callTracer`` and struct logs."""

from collections.abc import Mapping
from dataclasses import dataclass

from optimistic.node.rpc.codec import MalformedValue, data, parse_bool, parse_object, quantity
from optimistic.node.rpc.errors import revert_reason
from optimistic.node.rpc.formatting import Json
from optimistic.node.rpc.simulation import failure_text
from optimistic.protocol.engine import Log
from optimistic.protocol.execution.tracers import CallTrace, StepTrace, StepTracer


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOptions:
    """What a client wants to see of an execution."""

    calls: bool = False
    """The tree of calls instead of single steps."""
    only_top_call: bool = False
    with_logs: bool = False
    stack: bool = True
    memory: bool = False
    storage: bool = True
    limit: int = 0
    """Most steps; 0 leaves it to the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the traced transaction or call ended."""

    gas_limit: int
    gas_used: int
    failed: bool
    output: bytes


def parse_trace_options(value: object) -> TraceOptions:
    """Read the options of ``debug_traceTransaction``.

    Raises
    ------
    MalformedValue : a malformed field, or an unknown tracer.
    """
    fields = parse_object(value)
    tracer = fields.get("tracer")
    if tracer not in (None, "", "callTracer"):
        raise MalformedValue(f"tracer {tracer!r} is not available, only callTracer and struct logs are")
    config = parse_object(fields.get("tracerConfig") or {})
    limit = fields.get("limit") or 0
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise MalformedValue("limit must be a number")
    return TraceOptions(
        calls=tracer == "callTracer",
        only_top_call=_flag(config, "onlyTopCall"),
        with_logs=_flag(config, "withLog"),
        stack=not _flag(fields, "disableStack"),
        memory=_flag(fields, "enableMemory"),
        storage=not _flag(fields, "disableStorage"),
        limit=limit,
    )


def call_trace_json(trace: CallTrace, ending: Ending, options: TraceOptions) -> Json:
    """The tree of calls; the outermost one shows the gas of the whole transaction."""
    root = _call_json(trace, options)
    return {**root, "gas": quantity(ending.gas_limit), "gasUsed": quantity(ending.gas_used)}


def struct_logs_json(tracer: StepTracer, ending: Ending, options: TraceOptions) -> Json:
    """The list of steps; ``truncated`` appears when there were more than the limit."""
    result: Json = {
        "gas": ending.gas_used,
        "failed": ending.failed,
        "returnValue": data(ending.output),
        "structLogs": [_step_json(step, options) for step in tracer.steps],
    }
    return {**result, "truncated": True} if tracer.truncated else result


def _call_json(trace: CallTrace, options: TraceOptions) -> Json:
    result: Json = {
        "type": trace.kind,
        "from": data(trace.sender),
        "to": data(trace.to),
        "gas": quantity(trace.gas),
        "gasUsed": quantity(trace.gas_used),
        "input": data(trace.input),
    }
    if trace.kind != "STATICCALL":
        result["value"] = quantity(trace.value)
    if trace.output:
        result["output"] = data(trace.output)
    if trace.error is not None:
        result["error"] = "execution reverted" if trace.reverted else failure_text(trace.error)
        reason = revert_reason(trace.output) if trace.reverted else None
        if reason is not None:
            result["revertReason"] = reason
    if options.with_logs and trace.logs:
        result["logs"] = [_log_json(log) for log in trace.logs]
    if trace.calls and not options.only_top_call:
        result["calls"] = [_call_json(inner, options) for inner in trace.calls]
    return result


def _log_json(log: Log) -> Json:
    topics = [data(topic) for topic in log.topics]
    return {"address": data(log.address), "topics": topics, "data": data(log.data)}


def _step_json(step: StepTrace, options: TraceOptions) -> Json:
    result: Json = {
        "pc": step.pc,
        "op": step.mnemonic,
        "gas": step.gas,
        "gasCost": step.gas_cost,
        "depth": step.depth,
    }
    if step.error is not None:
        result["error"] = failure_text(step.error)
    if options.stack:
        result["stack"] = [quantity(word) for word in step.stack]
    if step.memory is not None:
        result["memory"] = [step.memory[start : start + 32].hex() for start in range(0, len(step.memory), 32)]
    if step.storage is not None:
        result["storage"] = {f"{slot:064x}": f"{word:064x}" for slot, word in step.storage.items()}
    return result


def _flag(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    return value is not None and parse_bool(value)
