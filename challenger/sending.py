"""One transaction of a person: checked, priced, then sent or only shown."""

from dataclasses import dataclass, replace
from typing import Any, Final

from challenger.advice import refusal
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import Call
from optimistic.service.names import hex_of
from optimistic.service.one_shot import OneShotSender, gas_with_margin
from optimistic.service.signer import Signer

_BASE_FEE_MARGIN: Final = 2


class Unfunded(InvalidInput):
    """The account cannot pay; names it and what is missing.

    Attributes
    ----------
    account : 20 bytes
    missing_wei : what to send it, at least
    """

    def __init__(self, account: Address, needed_wei: int, balance_wei: int) -> None:
        self.account = account
        self.missing_wei = needed_wei - balance_wei
        super().__init__(
            f"account 0x{account.hex()} has {balance_wei} wei and needs {needed_wei}: "
            f"send it {self.missing_wei} wei more"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A call that L1 would take now, and the most that it may cost."""

    call: Call
    gas: int
    fee_wei: int
    """At most, at twice the present base fee."""

    def document(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "to": None if self.call.to is None else hex_of(self.call.to),
            "valueWei": self.call.value_wei,
            "calldataBytes": len(self.call.data),
            "gasLimit": self.gas,
            "maxFeeWei": self.fee_wei,
        }


def price(client: L1Client, account: Address, call: Call) -> Priced:
    """Return the call with what it costs the account.

    Raises
    ------
    Unfunded : the account cannot pay for it
    Refused : L1 would refuse it
    """
    balance_wei = client.balance_wei(account, "latest")
    if balance_wei < call.value_wei:
        raise Unfunded(account, call.value_wei, balance_wei)
    gas = _gas(client, replace(call, sender=account))
    price_wei = _BASE_FEE_MARGIN * client.head().base_fee_wei + client.priority_fee_wei()
    fee_wei = gas * price_wei
    if balance_wei < call.value_wei + fee_wei:
        raise Unfunded(account, call.value_wei + fee_wei, balance_wei)
    return Priced(call=replace(call, gas=gas), gas=gas, fee_wei=fee_wei)


def send(client: L1Client, signer: Signer, priced: Priced, clock: Clock) -> dict[str, Any]:
    """Send a call, wait for its block and return what became of it.

    Raises
    ------
    SendRefused, TransactionFailed, NotMinedInTime : see one_shot
    """
    receipt = OneShotSender(client, signer, clock=clock).send(priced.call)
    return {
        "txHash": hex_of(receipt.tx_hash),
        "blockNumber": receipt.block_number,
        "gasUsed": receipt.gas_used,
    }


def _gas(client: L1Client, call: Call) -> int:
    """Return the gas to send along, after asking L1 whether it would take the call."""
    try:
        if call.gas is not None:
            client.call(call, "latest")
            return call.gas
        return gas_with_margin(client.estimate_gas(call))
    except ContractReverted as error:
        raise refusal(error) from error
