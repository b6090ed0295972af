"""The settlement part of a deployment: cash token, its gateway and the bond on L1, who governs risk on L2."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from optimistic import artifacts
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS, SettlementSetup
from optimistic.protocol.types import ZERO_ADDRESS, Address
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import BlockId, Call
from optimistic.service.names import camel_case, hex_of

GATEWAY: Final = "TokenGateway"
RECEIPT_BOND: Final = "ReceiptBond"
DEV_CASH: Final = "DevToken"
_WORD: Final = 32
_MOST_DECIMALS: Final = 18
_DECIMALS_CALL: Final = keccak256(b"decimals()")[:4]
_ADDRESSES: Final = ("token", "gateway", "receipt_bond", "owner", "guardian")


class InvalidToken(InvalidInput):
    """The cash token is no contract, or has more decimals than cash has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The section; all zero in a rollup without a cash token.

    Attributes
    ----------
    token, gateway, receipt_bond : on L1
    token_decimals : of the token, at most 18
    owner, guardian : accounts on L2
    """

    token: Address = ZERO_ADDRESS
    token_decimals: int = 0
    gateway: Address = ZERO_ADDRESS
    receipt_bond: Address = ZERO_ADDRESS
    owner: Address = ZERO_ADDRESS
    guardian: Address = ZERO_ADDRESS

    @property
    def has_token(self) -> bool:
        """Whether cash can come in at all."""
        return self.gateway != ZERO_ADDRESS

    def setup(self) -> SettlementSetup:
        """Return what the predeploys are born with."""
        unit = 10 ** (_MOST_DECIMALS - self.token_decimals) if self.has_token else 0
        return SettlementSetup(
            gateway=self.gateway, token_unit_wad=unit, owner=self.owner, guardian=self.guardian
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; bytes as 0x-hex."""
        addresses = {camel_case(name): hex_of(getattr(self, name)) for name in _ADDRESSES}
        return addresses | {"tokenDecimals": self.token_decimals}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError : a field is missing or malformed
        """
        decimals = int(values["tokenDecimals"])
        if not 0 <= decimals <= _MOST_DECIMALS:
            raise ValueError(f"{decimals} decimals are not between 0 and {_MOST_DECIMALS}")
        addresses = {
            name: bytes.fromhex(str(values[camel_case(name)]).removeprefix("0x")) for name in _ADDRESSES
        }
        for name, value in addresses.items():
            if len(value) != len(ZERO_ADDRESS):
                raise ValueError(f"settlement.{camel_case(name)} is not {len(ZERO_ADDRESS)} bytes")
        return cls(token_decimals=decimals, **{name: Address(value) for name, value in addresses.items()})


NO_SETTLEMENT: Final = Settlement()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRoles:
    """What a deployment with a cash token begins with: an L1 token, and two accounts on L2."""

    token: Address
    owner: Address
    guardian: Address = ZERO_ADDRESS


def receipt_bond_delay_s(params: RollupParams) -> int:
    """Return how long a receipt bond stays after it was announced that it leaves.

    A receipt given before that is on L1, and an assertion about it confirmed, however contested (10.6).
    """
    return 2 * params.challenge_period_s + params.airgap_s + params.force_delay_s


def settlement_code() -> dict[str, bytes]:
    """Return the committed runtime bytecode of the settlement predeploys by name."""
    return {name: artifacts.load(name).deployed_bytecode for name in SETTLEMENT_CONTRACTS}


def token_decimals(client: L1Client, token: Address, at: BlockId = "latest") -> int:
    """Return the decimals of an L1 token.

    Raises
    ------
    InvalidToken : it names none, or more than 18
    """
    try:
        answer = client.call(Call(to=token, data=_DECIMALS_CALL), at)
    except ContractReverted:
        answer = b""
    decimals = int.from_bytes(answer, "big")
    if len(answer) != _WORD or decimals > _MOST_DECIMALS:
        raise InvalidToken(f"{hex_of(token)} is no token with at most {_MOST_DECIMALS} decimals")
    return decimals
