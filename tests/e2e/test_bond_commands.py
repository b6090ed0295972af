"""A bond posted, looked at, taken out, and taken from an exchange that lied: the commands on anvil."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from optimistic.cli import main
from optimistic.client.receipts import ReceiptLog
from optimistic.node.api.replies import receipt_out
from optimistic.node.exchange.receipts import GENESIS_RECEIPT, Receipt, ReceiptSigner
from optimistic.protocol.types import Hash32
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.signer import Signer
from tests.helpers.anvil import Anvil
from tests.helpers.api_stage import api_stage

OPERATOR, EXCHANGE, TRADER = (dev_keys()[number] for number in (0, 1, 2))
KEY = "0x" + Signer(EXCHANGE).address.hex()
ETHER = 10**18


class Rollup:
    """A deployment on anvil, and its commands."""

    def __init__(self, anvil: Anvil, folder: Path, *token: str) -> None:
        self.folder = folder
        self.anvil = anvil
        self.l1 = L1Client.connect(anvil.url)
        out = (*token, "--out", str(folder / "deployment.json"))
        deployed = CliRunner().invoke(
            main,
            ["deploy", "--l1-rpc-url", anvil.url, *out, "--json"],
            env={"OPTIMISTIC_PRIVATE_KEY": OPERATOR.hex()},
        )
        assert deployed.exit_code == 0, deployed.stderr
        self.signer = ReceiptSigner(EXCHANGE, json.loads(deployed.stdout)["l2ChainId"])

    def invoke(self, key: bytes, *arguments: str) -> Result:
        environment = {
            "OPTIMISTIC_PRIVATE_KEY": key.hex(),
            "OPTIMISTIC_L1_RPC_URL": self.anvil.url,
            "OPTIMISTIC_DEPLOYMENT": str(self.folder / "deployment.json"),
        }
        return CliRunner().invoke(main, [*arguments, "--json"], env=environment)

    def run(self, key: bytes, *arguments: str) -> Any:
        result = self.invoke(key, *arguments)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def told(self, name: str, *receipts: Receipt) -> str:
        """Write receipts of the exchange to a file as its API sends them; return its path."""
        path = self.folder / name
        for receipt in receipts:
            out = receipt_out(self.signer.sign(receipt))
            values = {field: getattr(out, field) for field in ("seq", "prev", "signature")}
            values |= {"orderHash": out.order_hash, "tsMs": out.ts_ms}
            with path.open("a") as file:
                file.write(json.dumps({"status": "taken", "receipt": values}) + "\n")
        return str(path)


@pytest.fixture
def rollup(anvil: Anvil, tmp_path: Path) -> Rollup:
    return Rollup(anvil, tmp_path, "--dev-token")


def receipt(seq: int, order: int, prev: Hash32 = GENESIS_RECEIPT) -> Receipt:
    return Receipt(Hash32(bytes([order]) * 32), seq, prev, 1_700_000_000_000)


def test_bond__posted_announced_paid__goes_home(rollup: Rollup) -> None:
    posted = rollup.run(OPERATOR, "bond", "post", "3ether", "--exchange", KEY)
    added = rollup.run(EXCHANGE, "bond", "post", "1ether")
    stranger = rollup.invoke(OPERATOR, "bond", "withdraw")
    announced = rollup.run(EXCHANGE, "bond", "withdraw")
    early = rollup.invoke(EXCHANGE, "bond", "withdraw")
    cancelled = rollup.run(EXCHANGE, "bond", "withdraw", "--cancel")
    rollup.run(EXCHANGE, "bond", "withdraw")
    rollup.anvil.advance_time(announced["withdrawalDelay"])
    paid = rollup.run(EXCHANGE, "bond", "withdraw", "--to", "0x" + "5e" * 20)

    assert (posted["exchange"], posted["amountWei"], added["amountWei"]) == (
        KEY,
        str(3 * ETHER),
        str(4 * ETHER),
    )
    assert "NoBond" in stranger.stderr
    assert (announced["step"], announced["withdrawalDelay"]) == ("announced", 180)
    assert announced["readyAt"] > 0
    assert "WithdrawalNotReady" in early.stderr
    assert (cancelled["step"], cancelled["readyAt"]) == ("cancelled", 0)
    assert (paid["step"], paid["amountWei"]) == ("paid", "0")
    assert rollup.l1.balance_wei(bytes.fromhex("5e" * 20), "latest") == 4 * ETHER  # type: ignore[arg-type] # an address


def test_receipt_slash__two_stories_of_two_traders__takes_the_bond_once(rollup: Rollup) -> None:
    first = receipt(1, 1)
    honest = rollup.told("alice.jsonl", first, receipt(2, 2, first.hash))
    lie = rollup.told("bob.jsonl", receipt(2, 3, first.hash))
    rollup.run(EXCHANGE, "bond", "post", "2ether")

    alone = rollup.run(TRADER, "receipt", "compare", honest)
    nothing = rollup.invoke(TRADER, "receipt", "slash", honest)
    compared = rollup.run(TRADER, "receipt", "compare", honest, lie)
    taken = rollup.run(TRADER, "receipt", "slash", honest, lie, "--beneficiary", "0x" + "5e" * 20)
    again = rollup.invoke(TRADER, "receipt", "slash", honest, lie)
    barred = rollup.invoke(OPERATOR, "bond", "post", "1ether", "--exchange", KEY)
    after = rollup.run(TRADER, "bond", "status", "--exchange", KEY)

    assert (alone["receipts"], alone["exchanges"], alone["contradiction"]) == (2, [KEY], None)
    assert "none of the 2 receipts contradicts another" in nothing.stderr
    assert [values["seq"] for values in compared["contradiction"]] == [2, 2]
    assert (taken["exchange"], taken["rewardWei"], taken["burnedWei"]) == (KEY, str(ETHER), str(ETHER))
    assert rollup.l1.balance_wei(bytes.fromhex("5e" * 20), "latest") == ETHER  # type: ignore[arg-type] # an address
    assert "NoBond" in again.stderr
    assert "KeySlashed" in barred.stderr
    assert (after["amountWei"], after["isSlashed"]) == ("0", True)


def test_receipt__files_that_hold_none__are_refused_by_name(rollup: Rollup) -> None:
    broken = rollup.folder / "broken.json"
    broken.write_text("{")
    empty = rollup.folder / "empty.json"
    empty.write_text("{}")

    assert "broken.json is not JSON" in rollup.invoke(TRADER, "receipt", "compare", str(broken)).stderr
    assert rollup.run(TRADER, "receipt", "compare", str(empty))["receipts"] == 0
    both = rollup.invoke(TRADER, "bond", "status")
    assert "--exchange" in both.stderr


def test_bond__rollup_without_an_exchange__says_so(anvil: Anvil, tmp_path: Path) -> None:
    rollup = Rollup(anvil, tmp_path)

    refused = rollup.invoke(EXCHANGE, "bond", "post", "1ether")

    assert refused.exit_code == 1
    assert "deploy it with --token" in refused.stderr


def test_exchange__without_an_l1__tells_who_signs_and_no_bond() -> None:
    with api_stage() as stage:
        answer = stage.rest().get("/v1/exchange")
        markets = stage.rest().get("/v1/markets")

    assert answer == {name: markets[name] for name in ("chainId", "clearing", "receiptSigner")} | {
        "bond": None
    }


def test_order_place__receipts_file__keeps_them(tmp_path: Path) -> None:
    file = tmp_path / "receipts.jsonl"
    with api_stage() as stage:
        for price in ("100.1", "100.2"):
            arguments = ["order", "place", "buy", "1", price, "--market", "1", "--receipts", str(file)]
            placed = CliRunner().invoke(
                main,
                [*arguments, "--api-url", stage.url, "--json"],
                env={"OPTIMISTIC_PRIVATE_KEY": (bytes(31) + b"\x01").hex()},
            )
            assert placed.exit_code == 0, placed.stderr
        log = ReceiptLog(stage.exchange.signer.chain_id, stage.exchange.signer.address, file=file)

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2]
    assert log.check(lines[1]) != GENESIS_RECEIPT
