"""The inbox, the assertion chain and the dispute game of one deployment in a bare EVM."""

from collections.abc import Sequence
from typing import Any, Final, cast

from pyrevm import EVM, AccountInfo, BlockEnv

from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.contract import creation_call, explain_revert
from optimistic.service.contracts import AssertionChain, DisputeGame, Inbox
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import BlockId, Call
from optimistic.service.names import hex_of
from tests.helpers.assembly import asm
from tests.helpers.contract_host import REVERT

DEPLOYER: Final = Address(b"\xde" * 20)
VERIFIER: Final = Address(b"\x5e" * 20)
RICH: Final = 10**27
GAS: Final = 16_000_000
BATCHES: Final = 3
_ARGUMENTS: Final = 4
_STEP: Final = 3 * 32
"""Bytes of pre, j and v, which name a step."""
_CALL: Final = 196
"""Bytes of a call with an empty witness."""


def _verifier() -> bytes:
    """A verifier that looks the step up in its storage; one that is not there hashes its arguments.

    It refuses every witness but the empty one.
    """
    refuse = asm(0, 0, Op.REVERT)
    look_up = asm(_STEP, _ARGUMENTS, 0, Op.CALLDATACOPY, _STEP, 0, Op.KECCAK256, Op.SLOAD)
    invent = asm(_STEP + 32, _ARGUMENTS, 0, Op.CALLDATACOPY, _STEP + 32, 0, Op.KECCAK256)
    answer = asm(0, Op.MSTORE, 32, 0, Op.RETURN)
    head = asm(_CALL, Op.CALLDATASIZE, Op.XOR, Op.ISZERO)
    known_at = len(head) + 3 + len(refuse)
    found_at = known_at + 1 + len(look_up) + 5 + len(invent)
    code = head + asm(bytes((known_at,)), Op.JUMPI) + refuse + asm(Op.JUMPDEST) + look_up
    code += asm(Op.DUP1, bytes((found_at,)), Op.JUMPI, Op.POP) + invent + asm(Op.JUMPDEST) + answer
    assert code[known_at] == code[found_at] == Op.JUMPDEST
    return code


class DisputeHost:
    """The contracts, called at any time, by anybody and at any price.

    Parameters
    ----------
    times_s : T and the airgap
    end_leaf : the state that the chain starts with
    """

    def __init__(
        self, *, log_arity: int, times_s: tuple[int, int], stake_wei: int, bond_wei: int, end_leaf: Hash32
    ) -> None:
        self._evm = EVM(gas_limit=1_000_000_000)
        self._evm.insert_account_info(hex_of(VERIFIER), AccountInfo(code=_verifier()))
        self._evm.set_balance(hex_of(DEPLOYER), RICH)
        self.at(1_000)
        inbox, chain, game = (create_address(DEPLOYER, nonce) for nonce in range(3))
        client = cast("L1Client", self)  # it only calls
        self.inbox, self.chain = Inbox(client, inbox), AssertionChain(client, chain)
        self.game = DisputeGame(client, game)
        period_s, airgap_s = times_s
        self._create("Inbox", (self._inbox_setup(),), inbox)
        chain_setup = (hex_of(inbox), hex_of(game), end_leaf, period_s, airgap_s, stake_wei, log_arity)
        self._create("AssertionChain", (chain_setup,), chain)
        self._create("DisputeGame", (hex_of(chain), bond_wei), game)
        acc = ZERO_HASH
        for index in range(BATCHES):
            append = self.inbox.call("appendBatch", index, acc, b"\x01", 0, 0, 0)
            assert self.send(DEPLOYER, append) is None
            acc = self.inbox.acc(index, at="latest")

    def _inbox_setup(self) -> tuple[Any, ...]:
        me, nobody = hex_of(DEPLOYER), hex_of(Address(bytes(20)))
        return (me, nobody, me, nobody, hex_of(VERIFIER), ZERO_HASH, 0, 0, 0, 1, 1, 1, 1, 2, 2)

    def _create(self, name: str, arguments: Sequence[Any], address: Address) -> None:
        created = self._evm.deploy(hex_of(DEPLOYER), creation_call(name, arguments).data)
        assert created.lower() == hex_of(address)

    def teach(self, pre: Hash32, j: int, v: int, post: Hash32) -> None:
        """Let the verifier know a step."""
        slot = int.from_bytes(keccak256(abi_words(pre, j, v)), "big")
        self._evm.insert_account_storage(hex_of(VERIFIER), slot, int.from_bytes(post, "big"))

    def fund(self, *accounts: Address) -> None:
        """Give accounts more than they will ever need."""
        for account in accounts:
            self._evm.set_balance(hex_of(account), RICH)

    def balance(self, account: Address) -> int:
        """Return the wei of an account."""
        return self._evm.get_balance(hex_of(account))

    def at(self, now: int) -> None:
        """Set the time of the block; its base fee is always zero here."""
        self._evm.set_block_env(BlockEnv(number=1, timestamp=now))

    def send(
        self, sender: Address, message: Call, value_wei: int = 0, gas_price_wei: int = 0
    ) -> ContractReverted | None:
        """Send a message; return why it reverted, if it did."""
        assert message.to is not None
        try:
            self._evm.message_call(
                hex_of(sender),
                hex_of(message.to),
                calldata=message.data,
                value=value_wei,
                gas=GAS,
                gas_price=gas_price_wei,
            )
        except RuntimeError as error:
            return self._reverted(error)
        return None

    def call(self, call: Call, at: BlockId) -> bytes:
        """Answer a view; part of the client that the typed contracts read through."""
        assert call.to is not None
        try:
            return self._evm.message_call(
                hex_of(DEPLOYER), hex_of(call.to), calldata=call.data, is_static=True
            )
        except RuntimeError as error:
            raise self._reverted(error) from error

    def _reverted(self, error: RuntimeError) -> ContractReverted:
        reverted = REVERT.match(str(error))
        if reverted is None:
            raise error  # out of gas or an invalid opcode is no way to refuse a call
        return explain_revert(ContractReverted(bytes.fromhex(reverted[1])))
