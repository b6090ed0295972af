"""``eth_call``, ``eth_estimateGas``, ``eth_createAccessList``."""

from optimistic.node.rpc.call_args import parse_block_override, parse_call, parse_state_override
from optimistic.node.rpc.codec import data, quantity
from optimistic.node.rpc.errors import execution_reverted, server_error
from optimistic.node.rpc.formatting import Json, access_list_json
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import MethodTable, executing
from optimistic.node.rpc.simulation import (
    NO_BLOCK_OVERRIDE,
    NO_STATE_OVERRIDE,
    Simulator,
    call_failed,
    failure_text,
    require_success,
)
from optimistic.protocol.execution.simulate import CallFailed, CallMessage, Simulation


class EthCall:
    """Messages that are run and forgotten.

    Parameters
    ----------
    simulator : builds the states to run them on
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_call": executing(self.call),
            "eth_estimateGas": executing(self.estimate_gas),
            "eth_createAccessList": executing(self.create_access_list),
        }

    def call(self, params: Params) -> str:
        """``eth_call``: the returned data; state and block overrides are optional."""
        message, simulation = self._read(params)
        return data(require_success(simulation.call(message)).output)

    def estimate_gas(self, params: Params) -> str:
        """``eth_estimateGas``: the least gas limit with which the message succeeds."""
        message, simulation = self._read(params)
        try:
            return quantity(simulation.estimate_gas(message))
        except CallFailed as exc:
            if exc.result.reverted:
                raise execution_reverted(exc.result.output) from exc
            if exc.result.error == "OutOfGas":
                allowance = simulation.gas_ceiling if message.gas is None else message.gas
                raise server_error(f"gas required exceeds allowance ({allowance})") from exc
            raise call_failed(str(exc.result.error)) from exc

    def create_access_list(self, params: Params) -> Json:
        """``eth_createAccessList``: what the message touches, and its gas with that list."""
        message, simulation = self._read(params)
        found = simulation.access_list(message)
        result: Json = {
            "accessList": access_list_json(found.access_list),
            "gasUsed": quantity(found.gas_used),
        }
        return result if found.error is None else {**result, "error": failure_text(found.error)}

    def _read(self, params: Params) -> tuple[CallMessage, Simulation]:
        params.at_most(4)
        message = params.required(0, parse_call)
        overrides = params.optional(2, parse_state_override, NO_STATE_OVERRIDE)
        assumed = params.optional(3, parse_block_override, NO_BLOCK_OVERRIDE)
        return message, self._simulator.after(params.block_id(1), overrides, assumed)
