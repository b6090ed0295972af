"""One transaction of a person at a terminal: sent, waited for, forgotten.

Daemons use the transaction manager, which survives crashes and bumps fees; a
command that runs once only needs a receipt or a clear reason why there is none.
"""

import threading
from typing import Final

from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.contract import explain_revert
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.signer import Signer

_POLL_S: Final = 0.2
_BASE_FEE_MARGIN: Final = 2


def gas_with_margin(estimate: int) -> int:
    """Return the gas limit for an estimate: what changes until the block is less than a tenth."""
    return estimate + estimate // 10


class SendRefused(InvalidInput):
    """The endpoint refuses the transaction; its words say why."""


class TransactionFailed(InvalidInput):
    """The transaction is in a block, and failed there."""


class NotMinedInTime(TemporaryError):
    """The transaction was accepted but no block took it in time; it may still be."""


class OneShotSender:
    """Sends single transactions from one key.

    Parameters
    ----------
    client : endpoint of the chain, L1 or L2
    signer : pays and signs
    timeout_s : longest wait for a receipt
    """

    def __init__(
        self, client: L1Client, signer: Signer, *, clock: Clock | None = None, timeout_s: int = 300
    ) -> None:
        self._client = client
        self._signer = signer
        self._clock = clock if clock is not None else SystemClock()
        self._timeout_s = timeout_s

    def send(self, call: Call, *, nonce: int | None = None) -> Receipt:
        """Send `call` and return its receipt.

        Parameters
        ----------
        call : its gas limit is taken as it is, if it names one
        nonce : None takes the account's next one

        Raises
        ------
        ContractReverted : it would fail; nothing was sent
        SendRefused, TransactionFailed, NotMinedInTime : see there
        """
        tx_hash = self._submit(call, nonce)
        receipt = self._await(tx_hash)
        if not receipt.succeeded:
            raise TransactionFailed(f"transaction 0x{tx_hash.hex()} failed in block {receipt.block_number}")
        return receipt

    def _submit(self, call: Call, nonce: int | None) -> Hash32:
        sender = self._signer.address
        message = Call(to=call.to, data=call.data, sender=sender, value_wei=call.value_wei)
        gas = call.gas if call.gas is not None else gas_with_margin(self._estimate(message))
        tip_wei = self._client.priority_fee_wei()
        fields = {
            "type": 2,
            "chainId": self._client.chain_id,
            "nonce": self._client.nonce(sender, "latest") if nonce is None else nonce,
            "gas": gas,
            "maxFeePerGas": _BASE_FEE_MARGIN * self._client.head().base_fee_wei + tip_wei,
            "maxPriorityFeePerGas": tip_wei,
            "value": call.value_wei,
            "data": call.data,
        }
        if call.to is not None:
            fields["to"] = call.to
        raw, tx_hash = self._signer.sign_transaction(fields)
        reply = self._client.send_raw(raw)
        if reply.status not in (SendStatus.ACCEPTED, SendStatus.KNOWN):
            raise SendRefused(f"the endpoint refused the transaction: {reply.message or reply.status}")
        return tx_hash

    def _estimate(self, message: Call) -> int:
        try:
            return self._client.estimate_gas(message)
        except ContractReverted as error:
            raise explain_revert(error) from error

    def _await(self, tx_hash: Hash32) -> Receipt:
        never = threading.Event()
        deadline_s = self._clock.monotonic_s() + self._timeout_s
        while (receipt := self._client.receipt(tx_hash)) is None:
            if self._clock.monotonic_s() > deadline_s:
                raise NotMinedInTime(f"transaction 0x{tx_hash.hex()} is not mined after {self._timeout_s} s")
            self._clock.wait(never, _POLL_S)
        return receipt
