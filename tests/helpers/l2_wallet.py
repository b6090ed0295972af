"""Accounts that sign L2 transactions for tests."""

from collections.abc import Mapping
from typing import Any

from eth_account import Account as Keys
from eth_account.signers.local import LocalAccount

from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import Address

GWEI = 10**9


class Wallet:
    """A key made from a number; counts its own nonces unless told otherwise."""

    def __init__(self, number: int, chain_id: int = DEVNET.l2_chain_id) -> None:
        self._signer: LocalAccount = Keys.from_key(number.to_bytes(32, "big"))
        self._chain_id = chain_id
        self.nonce = 0

    @property
    def address(self) -> Address:
        return Address(bytes.fromhex(self._signer.address[2:]))

    def transfer(self, to: Address, value: int = 1, **changes: Any) -> bytes:
        """Sign a plain transfer."""
        return self.sign({"to": to, "value": value, "gas": 21_000, **changes})

    def deploy(self, initcode: bytes, gas: int = 200_000, **changes: Any) -> bytes:
        """Sign a contract creation."""
        return self.sign({"data": initcode, "gas": gas, **changes})

    def call(self, to: Address, data: bytes = b"", gas: int = 200_000, **changes: Any) -> bytes:
        """Sign a contract call."""
        return self.sign({"to": to, "data": data, "gas": gas, **changes})

    def sign(self, fields: Mapping[str, Any]) -> bytes:
        """Sign a type 2 transaction; unless given, the nonce is the next one."""
        transaction: dict[str, Any] = {
            "chainId": self._chain_id,
            "maxFeePerGas": GWEI,
            "maxPriorityFeePerGas": GWEI,
            "value": 0,
            **fields,
        }
        if "gasPrice" in transaction:
            del transaction["maxFeePerGas"], transaction["maxPriorityFeePerGas"]
        if "nonce" not in transaction:
            transaction["nonce"] = self.nonce
            self.nonce += 1
        if "chainId" in transaction and transaction["chainId"] is None:
            del transaction["chainId"]
        return bytes(self._signer.sign_transaction(transaction).raw_transaction)
