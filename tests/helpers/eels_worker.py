"""Runs transactions in the executable specification of Ethereum; a process of its own, with its own packages.

`ethereum-execution` cannot be installed beside the packages of constraints.txt. Reads one
request per line and answers each with one line, both JSON; see `eels`.
"""

import json
import sys
from importlib import import_module
from typing import Any, Final

FORK: Final = "ethereum.forks.cancun"


class Specification:
    """The modules of a fork."""

    def __init__(self) -> None:
        self.vm: Any = import_module(f"{FORK}.vm")
        self.fork: Any = import_module(f"{FORK}.fork")
        self.state: Any = import_module(f"{FORK}.state")
        self.transactions: Any = import_module(f"{FORK}.transactions")
        self.types: Any = import_module(f"{FORK}.fork_types")
        self.blocks: Any = import_module(f"{FORK}.blocks")
        self.numbers: Any = import_module("ethereum_types.numeric")
        self.bytes: Any = import_module("ethereum_types.bytes")
        self.rlp: Any = import_module("ethereum_rlp.rlp")
        self.hashes: Any = import_module("ethereum.crypto.hash")
        ethereum: Any = import_module("ethereum.exceptions")
        rlp: Any = import_module("ethereum_rlp.exceptions")
        self.invalid: tuple[type[Exception], ...] = (ethereum.EthereumException, rlp.RLPException)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the transactions of a request in a block of their own."""
        env = self._env(request)
        output = self.vm.BlockOutput()
        results = [self._run(env, output, bytes.fromhex(raw), i) for i, raw in enumerate(request["raw"])]
        return {"results": results, "state_root": bytes(self.state.state_root(env.state)).hex()}

    def _env(self, request: dict[str, Any]) -> Any:
        block = request["block"]
        uint, u256, u64 = self.numbers.Uint, self.numbers.U256, self.numbers.U64
        return self.vm.BlockEnvironment(
            chain_id=u64(block["chain_id"]),
            state=self._state(request["alloc"]),
            block_gas_limit=uint(block["gas_limit"]),
            block_hashes=[self.hashes.Hash32(bytes.fromhex(block["parent_hash"]))],
            coinbase=self.types.Address(bytes.fromhex(block["coinbase"])),
            number=uint(block["number"]),
            base_fee_per_gas=uint(block["base_fee"]),
            time=u256(block["timestamp"]),
            prev_randao=self.bytes.Bytes32(bytes.fromhex(block["prev_randao"])),
            excess_blob_gas=u64(0),
            parent_beacon_block_root=self.hashes.Hash32(bytes(32)),
        )

    def _state(self, alloc: dict[str, dict[str, Any]]) -> Any:
        state = self.state.State()
        for key, account in alloc.items():
            address = self.types.Address(bytes.fromhex(key))
            self.state.set_account(
                state,
                address,
                self.types.Account(
                    nonce=self.numbers.Uint(account["nonce"]),
                    balance=self.numbers.U256(account["balance"]),
                    code=self.bytes.Bytes(bytes.fromhex(account["code"])),
                ),
            )
            for slot, value in account["storage"].items():
                place = self.bytes.Bytes32(int(slot).to_bytes(32, "big"))
                self.state.set_storage(state, address, place, self.numbers.U256(value))
        return state

    def _run(self, env: Any, output: Any, raw: bytes, index: int) -> dict[str, Any]:
        """Return what a transaction leaves, or why it is invalid."""
        before = int(output.block_gas_used)
        n_logs = len(output.block_logs)
        try:
            tx = self._decode(raw)
            self.fork.process_transaction(env, output, tx, self.numbers.Uint(index))
        except self.invalid as error:
            return {"invalid": repr(error)}
        key = self.rlp.encode(self.numbers.Uint(index))
        receipt = output.receipts_trie._data[key]
        if isinstance(receipt, bytes):
            receipt = self.blocks.decode_receipt(receipt)
        logs = [
            [bytes(log.address).hex(), [bytes(topic).hex() for topic in log.topics], bytes(log.data).hex()]
            for log in output.block_logs[n_logs:]
        ]
        gas_used = int(output.block_gas_used) - before
        return {"succeeded": bool(receipt.succeeded), "gas_used": gas_used, "logs": logs}

    def _decode(self, raw: bytes) -> Any:
        if raw[:1] >= b"\xc0":
            return self.rlp.decode_to(self.transactions.LegacyTransaction, raw)
        return self.transactions.decode_transaction(self.bytes.Bytes(raw))


def main() -> None:
    """Answer until the input ends."""
    specification = Specification()
    for line in sys.stdin:
        print(json.dumps(specification.answer(json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
