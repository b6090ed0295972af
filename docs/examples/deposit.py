"""Bring cash to the exchange: lock tokens on L1, and wait until they are cash of a subaccount on L2.

The amount is in units of the token. `l1` and `node` are JSON-RPC clients of L1 and of any rollup node.
"""

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.types import SubaccountId
from optimistic.service.clock import Clock
from optimistic.service.contract import load_abi
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import Ledger
from optimistic.service.settlement_section import Settlement
from optimistic.service.signer import Signer
from optimistic.service.waiting import wait_until


def deposit(
    l1: L1Client, node: L1Client, settlement: Settlement, signer: Signer, units: int, clock: Clock
) -> SubaccountId:
    """Deposit into a new subaccount and return its number."""
    number = SubaccountId(Ledger.of(node).next_subaccount("latest"))
    sender = OneShotSender(l1, signer, clock=clock)
    approve = keccak256(b"approve(address,uint256)")[:4] + bytes(12) + settlement.gateway
    sender.send(Call(to=settlement.token, data=approve + units.to_bytes(32, "big")))
    lock = load_abi("TokenGateway").functions["deposit"].encode((0, units))
    sender.send(Call(to=settlement.gateway, data=lock))
    wait_until(lambda: Ledger.of(node).owner_and_cash(number, "latest")[0] == signer.address, clock)
    return number
