"""The bond of receipts on L1, typed."""

from dataclasses import dataclass

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.receipts import SignedReceipt
from optimistic.protocol.types import ZERO_ADDRESS, Address
from optimistic.service.contract import Contract
from optimistic.service.deployment import Deployment
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import BlockId, Call
from optimistic.service.settlement_section import RECEIPT_BOND


class NoReceiptBond(InvalidInput):
    """The rollup has no exchange, so there is no contract for its bond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BondState:
    """What a key has at stake.

    Attributes
    ----------
    ready_at : Unix seconds from which it may be withdrawn; 0: nobody asked
    """

    amount_wei: int
    ready_at: int
    is_slashed: bool


class ReceiptBond(Contract):
    """Holds ether against the word of an exchange."""

    NAME = RECEIPT_BOND

    @classmethod
    def of(cls, client: L1Client, deployment: Deployment) -> "ReceiptBond":
        """Return the rollup's.

        Raises
        ------
        NoReceiptBond : it has none
        """
        address = deployment.settlement.receipt_bond
        if address == ZERO_ADDRESS:
            raise NoReceiptBond("this rollup has no exchange, so no bond: deploy it with --token")
        return cls(client, address)

    def bond(self, signer: Address, *, at: BlockId) -> BondState:
        """Return the bond of a key."""
        ((amount_wei, ready_at, is_slashed),) = self.read("bond", signer, at=at)
        return BondState(amount_wei=amount_wei, ready_at=ready_at, is_slashed=is_slashed)

    def post_call(self, signer: Address, amount_wei: int) -> Call:
        """Add to the bond of a key."""
        return self.call("post", signer, value_wei=amount_wei)

    def request_withdrawal_call(self) -> Call:
        """Announce that the sender's bond leaves."""
        return self.call("requestWithdrawal")

    def cancel_withdrawal_call(self) -> Call:
        """Take that back."""
        return self.call("cancelWithdrawal")

    def withdraw_call(self, to: Address) -> Call:
        """Have the sender's bond paid."""
        return self.call("withdraw", to)

    def slash_call(self, first: SignedReceipt, second: SignedReceipt, beneficiary: Address) -> Call:
        """Prove that a key signed two receipts that contradict each other."""
        values = [part for signed in (first, second) for part in (tuple(signed.receipt), signed.signature)]
        return self.call("slash", *values, beneficiary)
