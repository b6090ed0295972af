"""The settlement contracts in a bare EVM, their logs, and the state that follows from these."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from pyrevm import EVM, AccountInfo, BlockEnv

from optimistic.protocol.engine import Log
from optimistic.protocol.params import DEVNET
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS, GenesisAccount
from optimistic.protocol.records import alias_address
from optimistic.protocol.settlement.events import apply, rebuild
from optimistic.protocol.settlement.state import State
from optimistic.protocol.types import Address, Hash32
from optimistic.service.abi import Function
from optimistic.service.contract import load_abi
from optimistic.service.deployment import rollup_accounts
from optimistic.service.settlement_section import Settlement
from tests.helpers.contract_host import REVERT, Reverted

GATEWAY: Final = Address(b"\x9a" * 20)
OWNER: Final = Address(b"\x52" * 20)
GUARDIAN: Final = Address(b"\x53" * 20)
CHAIN_ID: Final = 1
"""What the EVM says."""
START: Final = 1_700_000_000
_GAS: Final = 200_000_000


@cache
def function_of(contract: str, name: str) -> Function:
    """A function of a contract."""
    return load_abi(contract).functions[name]


class SettlementChain:
    """All contracts at their addresses, called by anybody at any time; `state` follows from their logs."""

    def __init__(self) -> None:
        self._evm = EVM(gas_limit=1_000_000_000)
        self.logs: list[tuple[int, Log]] = []
        self.state = State()
        self._name_governors()
        for address, account in _genesis().items():
            self._evm.insert_account_info(_hex(address), AccountInfo(code=account.code))
            for slot, word in account.storage.items():
                self._evm.insert_account_storage(_hex(address), int.from_bytes(slot, "big"), int(word))
        self.move_to(START)

    @property
    def now(self) -> int:
        """Time of the next call."""
        return self.state.now_s

    def move_to(self, time: int) -> None:
        """Let the next calls run at a time."""
        self.state.now_s = time
        self._evm.set_block_env(BlockEnv(timestamp=time, gas_limit=1_000_000_000))

    def act(self, sender: Address, contract: str, name: str, *arguments: Any, value: int = 0) -> Any:
        """Call a function; return what it returns, alone if it is one value; its logs change `state`.

        Raises
        ------
        Reverted : it refuses
        """
        if value:
            self._evm.set_balance(_hex(sender), self._evm.get_balance(_hex(sender)) + value)
        values = self._call(sender, contract, name, arguments, value=value, is_static=False)
        result = self._evm.result
        assert result is not None
        for raw in result.logs:
            log = Log(
                address=Address(bytes.fromhex(raw.address[2:])),
                topics=tuple(Hash32(bytes.fromhex(topic.removeprefix("0x"))) for topic in raw.topics),
                data=bytes(raw.data[1]),
            )
            self.logs.append((self.now, log))
            apply(self.state, log)
        return values

    def govern(self, contract: str, name: str, *arguments: Any) -> Any:
        """Call a function through the risk governor, which is not sealed yet."""
        data = function_of(contract, name).encode(arguments)
        return self.act(OWNER, "RiskGovernor", "setUp", SETTLEMENT_CONTRACTS[contract], data)

    def deposit(self, owner: Address, id_: int, units: int) -> None:
        """Bring cash in from L1, in units of the token."""
        self.act(alias_address(GATEWAY), "Collateral", "creditToken", owner, id_, units)

    def read(self, contract: str, name: str, *arguments: Any, sender: Address = OWNER) -> Any:
        """Return what a view answers."""
        return self._call(sender, contract, name, arguments, value=0, is_static=True)

    def snapshot(self) -> Any:
        """Remember the chain; `restore` goes back to it."""
        return self._evm.snapshot(), len(self.logs), self.now

    def restore(self, mark: Any) -> None:
        """Go back; `state` follows from the logs that stay."""
        checkpoint, n_logs, now = mark
        self._evm.revert(checkpoint)
        self.logs = self.logs[:n_logs]
        self.state = rebuild(self.logs)
        self._name_governors()
        self.move_to(now)

    def _name_governors(self) -> None:
        """What genesis says and no log."""
        self.state.governance.owner, self.state.governance.guardian = OWNER, GUARDIAN

    def _call(
        self,
        sender: Address,
        contract: str,
        name: str,
        arguments: Sequence[Any],
        *,
        value: int,
        is_static: bool,
    ) -> Any:
        function, to = function_of(contract, name), _hex(SETTLEMENT_CONTRACTS[contract])
        try:
            output = self._evm.message_call(
                _hex(sender), to, function.encode(arguments), value, _GAS, is_static=is_static
            )
        except RuntimeError as exc:
            reverted = REVERT.match(str(exc))
            if reverted is None:
                raise
            raise Reverted(bytes.fromhex(reverted[1])) from exc
        values = function.decode(output)
        return values[0] if len(values) == 1 else values


@cache
def _genesis() -> dict[Address, GenesisAccount]:
    section = Settlement(token=GATEWAY, token_decimals=6, gateway=GATEWAY, owner=OWNER, guardian=GUARDIAN)
    return rollup_accounts(DEVNET, Address(b"\xbb" * 20), OWNER, section)


def _hex(address: Address) -> str:
    return "0x" + address.hex()
