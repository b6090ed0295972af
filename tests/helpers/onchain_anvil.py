"""The one-step verifier on an anvil: slower than an EVM in the process, and another one."""

from optimistic.protocol.types import Hash32
from optimistic.service.l1_transport import HttpTransport
from optimistic.service.one_step import L1_TX_GAS_CAP
from tests.helpers.anvil import Anvil
from tests.helpers.contract_host import Reverted
from tests.helpers.onchain_host import CALLER, Deployment, step_calldata

_REVERTED = "execution reverted"
_TOP_CALL = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}


def install(anvil: Anvil, deployment: Deployment) -> None:
    """Put contracts on the chain."""
    for address, code in deployment.codes:
        anvil.rpc("anvil_setCode", address, "0x" + code.hex())


class AnvilHost:
    """The verifier on a chain, called like a pure function.

    Parameters
    ----------
    url : an anvil that has the contracts
    """

    def __init__(self, url: str, deployment: Deployment) -> None:
        self._transport = HttpTransport(url, timeout_ms=60_000)
        self._entry = deployment.entry

    def prove_step(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> tuple[Hash32, int]:
        """Return the hash after a step and the gas of the L1 transaction, as a receipt would show it.

        Raises
        ------
        Reverted : the verifier refuses the witness
        RuntimeError : it needs more gas than a transaction may have
        """
        call = {
            "from": CALLER,
            "to": self._entry,
            "gas": hex(L1_TX_GAS_CAP),
            "data": "0x" + step_calldata(pre, j, v, acc, witness).hex(),
        }
        trace = self._transport.request("debug_traceCall", (call, "latest", _TOP_CALL))
        output = bytes.fromhex(trace.get("output", "0x")[2:])
        error = trace.get("error")
        if error == _REVERTED:
            raise Reverted(output)
        if error is not None:
            raise RuntimeError(error)
        return Hash32(output), int(trace["gasUsed"], 16)
