"""Whose which subaccounts are, without a look at all of them."""

from itertools import islice

from optimistic.protocol.settlement.state import Subaccount
from optimistic.protocol.settlement.types import SubaccountId
from optimistic.protocol.types import Address


class Owners:
    """An index of subaccounts by owner; none ever changes hands, new ones come last."""

    def __init__(self) -> None:
        self._indexed: dict[SubaccountId, Subaccount] = {}
        """What the index is of; another dictionary is another state."""
        self._count = 0
        self._by_owner: dict[Address, list[int]] = {}

    def of(self, owner: Address, subaccounts: dict[SubaccountId, Subaccount]) -> list[int]:
        """Return the subaccounts of an owner among all that there are, oldest first."""
        if subaccounts is not self._indexed:
            self._indexed, self._count, self._by_owner = subaccounts, 0, {}
        fresh = islice(reversed(subaccounts.items()), len(subaccounts) - self._count)
        for id_, found in reversed([*fresh]):
            self._by_owner.setdefault(found.owner, []).append(id_)
        self._count = len(subaccounts)
        return [*self._by_owner.get(owner, ())]
