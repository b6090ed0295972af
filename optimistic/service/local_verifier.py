"""The one-step verifier's committed bytecode in an EVM of this process: L1's answer without L1."""

from typing import Final

from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.contract import creation_call
from optimistic.service.contracts import OneStepVerifier, StepPlace
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.one_step import L1_TX_GAS_CAP, Creation, group_creations, verifier_creation
from optimistic.service.signer import Signer

_RETURN_WORD: Final = bytes.fromhex("5f5260205ff3")
"""PUSH0 MSTORE, PUSH1 32 PUSH0 RETURN."""
_PUSH32: Final = b"\x7f"
_DEPLOY_REST: Final = bytes.fromhex("60278060095f395ff3")
"""Creation code that returns the 39 bytes behind it."""


class LocalVerifier:
    """The verifier of one configuration.

    Parameters
    ----------
    deposit_hash : what the inbox answers for any deposit; zero if no step needs one
    """

    def __init__(self, params: RollupParams, deposit_hash: Hash32 = ZERO_HASH) -> None:
        chain = EmbeddedL1()
        client = chain.client()
        self._sender = OneShotSender(client, Signer(chain.keys[0]))
        inbox = self._create(Call(to=None, data=_inbox_creation(deposit_hash)))
        groups = [self._create_contract(creation) for creation in group_creations(params, inbox)]
        self._contract = OneStepVerifier(client, self._create_contract(verifier_creation(groups)))

    def step(self, place: StepPlace, witness: bytes) -> Hash32:
        """Return the hash of the machine after a step, proven with the gas of one transaction on L1.

        Raises
        ------
        ContractReverted : the witness does not prove the step
        """
        return self._contract.step(place, witness, at="latest", gas=L1_TX_GAS_CAP)

    def _create_contract(self, creation: Creation) -> Address:
        return self._create(creation_call(*creation))

    def _create(self, call: Call) -> Address:
        address = self._sender.send(call).contract_address
        assert address is not None
        return address


def _inbox_creation(deposit_hash: Hash32) -> bytes:
    """Return the creation code of a contract that answers every call with one word."""
    return _DEPLOY_REST + _PUSH32 + deposit_hash + _RETURN_WORD
