"""Take cash out: ask, wait until it is ready, send it to L1. There it is paid once its state is confirmed.

The key of the message that is returned is what `optimistic withdraw finalize` wants.
"""

from optimistic.protocol.settlement.types import SubaccountId
from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock
from optimistic.service.contract import load_abi
from optimistic.service.l1_client import L1Client
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import Asset, Collateral
from optimistic.service.signer import Signer
from optimistic.service.waiting import wait_until


def withdraw(node: L1Client, signer: Signer, subaccount: SubaccountId, units: int, clock: Clock) -> Hash32:
    """Withdraw units of the token to the signer's account on L1; return the key of the message."""
    collateral, events = Collateral.of(node), load_abi("Collateral").events
    sender = OneShotSender(node, signer, clock=clock)
    asked = sender.send(collateral.request_withdrawal_call(subaccount, Asset.CASH, units, signer.address))
    requested = events["WithdrawalRequested"]
    (log,) = (log for log in asked.logs if log.topics[0] == requested.topic)
    number = int.from_bytes(log.topics[1], "big")
    (pending,) = collateral.read("withdrawal", number, at="latest")
    wait_until(lambda: node.head().timestamp >= pending[4], clock)
    sent = sender.send(collateral.release_call(number))
    released = events["WithdrawalReleased"]
    (key,) = (released.decode(log)["messageKey"] for log in sent.logs if log.topics[0] == released.topic)
    return Hash32(bytes(key))
