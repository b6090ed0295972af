"""Leave without the operator: every step is a deposit on L1, which no sequencer can keep out for ever.

After the force delay anybody may have them included (`optimistic force-include`). A forced close needs
a price seen after it was asked for; whoever has signed observations can push them on the same way.
"""

from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock
from optimistic.service.contracts import Bridge
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import Asset, Collateral, Liquidator
from optimistic.service.signer import Signer

_GAS = 2_000_000


class ForcedExit:
    """The steps of an exit, one L1 transaction each.

    Parameters
    ----------
    l1 : a client of L1
    node : a client of any rollup node, a replica will do; only call data is made with it
    bridge : the rollup's bridge on L1
    """

    def __init__(self, l1: L1Client, node: L1Client, bridge: Address, signer: Signer, clock: Clock) -> None:
        self._bridge = Bridge(l1, bridge)
        self._sender = OneShotSender(l1, signer, clock=clock)
        self._account = signer.address
        self._liquidator, self._collateral = Liquidator.of(node), Collateral.of(node)

    def request_close(self, subaccount: SubaccountId, market: MarketId) -> Receipt:
        """Ask to have a position closed."""
        return self._force(self._liquidator.request_close_call(subaccount, market))

    def close(self, subaccount: SubaccountId, market: MarketId) -> Receipt:
        """Have it closed against the insurance fund, once the delay is over."""
        return self._force(self._liquidator.force_close_call(subaccount, market))

    def request_withdrawal(self, subaccount: SubaccountId, units: int) -> Receipt:
        """Ask for cash to be sent to the account on L1."""
        call = self._collateral.request_withdrawal_call(subaccount, Asset.CASH, units, self._account)
        return self._force(call)

    def release(self, withdrawal: int) -> Receipt:
        """Send a withdrawal to L1; prove it there with `optimistic withdraw finalize`."""
        return self._force(self._collateral.release_call(withdrawal))

    def _force(self, call: Call) -> Receipt:
        deposit = self._bridge.deposit_call(to=call.to, value=0, gas_limit=_GAS, data=call.data, mint_wei=0)
        return self._sender.send(deposit)
