"""A whole dispute played by hand, on the command line, and what it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from challenger.cli import main
from challenger.trace_command import trace_batch
from optimistic.protocol.records import AssertionStatus
from optimistic.service.l1_types import Call
from scripts.staging.lies import Fault, UnitLie
from tests.helpers.fight_stage import CALL, PERIOD_S, Fight
from tests.helpers.watchtower_stage import L1Account

WATCHER_KEY, POOR_KEY = 5, bytes([7]) * 32


class Hand:
    """A person with a terminal, on the side of the right assertion."""

    def __init__(self, folder: Path, fault: Fault, *, is_older: bool) -> None:
        self.fight = Fight(folder / "stage", fault, is_older=is_older)
        self.stage = self.fight.stage
        self.folder = folder
        self.key = self.stage.l1.keys[WATCHER_KEY].hex()

    def run(self, *arguments: str, key: str | None = None) -> Result:
        variables = {
            "CHALLENGER_L1_RPC_URL": "http://embedded",
            "CHALLENGER_DEPLOYMENT": str(self.stage.deployment_file),
            "CHALLENGER_DATA_DIR": str(self.folder / "cli"),
            "CHALLENGER_L1_CONFIRMATIONS": "0",
            "CHALLENGER_LOG_LEVEL": "error",
        }
        chosen = self.key if key is None else key
        if chosen:
            variables["CHALLENGER_PRIVATE_KEY"] = chosen
        return CliRunner().invoke(main, list(arguments), env=variables, obj=self.stage.wiring())

    def json(self, *arguments: str, key: str | None = None) -> Any:
        result = self.run(*arguments, "--json", key=key)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, *arguments: str, key: str | None = None) -> str:
        result = self.run(*arguments, key=key)
        assert result.exit_code != 0, result.output
        return result.output

    @property
    def pair(self) -> list[str]:
        """The two siblings, the older one first."""
        found = [a for a in self.json("assertions")["assertions"] if a["seq"]]
        return [a["id"] for a in sorted(found, key=lambda a: a["seq"])]

    @property
    def dispute(self) -> Any:
        (found,) = self.json("disputes")["disputes"]
        return found

    def liar_moves(self) -> None:
        self.fight.liar.turn()
        self.stage.l1.mine()


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    built = Hand(tmp_path, Fault(unit=CALL, step=9), is_older=False)
    yield built
    built.fight.close()


def test_dispute__played_by_hand_from_assert_to_claim__is_won(hand: Hand) -> None:
    right = "0x" + hand.fight.right_id.hex()

    asserted = hand.json("assert")
    opened = hand.json("open", *hand.pair)
    kinds = []
    while hand.dispute["stage"] == "walk":
        if hand.dispute["turn"] == "newer":
            kinds.append(hand.json("move", hand.dispute["id"][:12])["action"])
        hand.liar_moves()
    committed = hand.json("commit", hand.dispute["id"], "--side", "newer")
    hand.liar_moves()
    (ids,) = [[duel["older"], duel["newer"]] for duel in hand.json("duels")["duels"]]
    refused = hand.refused("move", hand.dispute["id"], "--commitments", *ids, "--dry-run")
    while (duel := hand.json("duels")["duels"][0])["stage"] != "step":
        if duel["turn"] == "newer":
            kinds.append(hand.json("move", duel["id"])["action"])
        hand.liar_moves()
    planned = hand.run("prove-step", "--duel", duel["id"], "--submit", "--dry-run").stdout
    proven = hand.json("prove-step", "--duel", duel["id"], "--out", str(hand.folder / "p"), "--submit")
    hand.stage.l1.advance_time(PERIOD_S + 1)
    settled = hand.json("settle", hand.dispute["id"])
    owed = hand.json("credits")
    claimed = hand.json("claim", settled["dispute"])

    assert asserted["assertion"] == right
    assert (opened["action"], opened["nodeLevel"], opened["dryRun"]) == ("open", 5, False)
    assert kinds.count("move") >= 2
    assert (committed["side"], committed["bondWei"]) == ("newer", 0)
    assert "the older side starts before" in refused
    assert "dryRun" in planned
    assert "witness" not in planned
    assert proven["onchain"]["agrees"]
    assert hand.fight.status(hand.fight.right_id) is AssertionStatus.LIVE
    assert hand.fight.status(hand.fight.liar.assertion) is AssertionStatus.DEAD
    assert [row["account"] for row in owed["credits"]] == ["0x" + hand.stage.watcher.address.hex()]
    assert int(owed["totalWei"]) == int(owed["credits"][0]["claimableWei"]) > 0
    assert claimed["gasUsed"] > 0
    assert hand.json("credits")["credits"] == []
    assert hand.json("disputes", "--all")["disputes"][0]["winner"] == right


def test_show__a_dispute__tells_clocks_turn_forecast_and_what_comes_next(hand: Hand) -> None:
    hand.json("assert")
    hand.json("open", *hand.pair)

    shown = hand.json("show", hand.dispute["id"][:14])
    told = hand.run("show", hand.dispute["id"])

    assert (shown["kind"], shown["stage"], shown["right"], shown["turn"]) == (
        "dispute",
        "walk",
        "newer",
        "older",
    )
    assert shown["leftSeconds"]["older"] <= PERIOD_S
    assert shown["ifNobodyMoves"]["winner"] == "newer"
    assert shown["rightSideHolds"] is True
    assert "the older side moves to level 4 before" in shown["next"][0]
    assert "next: the older side moves" in told.stdout


def test_lists__of_a_pinned_dispute__show_commitments_and_duels(hand: Hand) -> None:
    hand.json("assert")
    hand.json("open", *hand.pair)
    while hand.dispute["stage"] == "walk":
        if hand.dispute["turn"] == "newer":
            hand.json("move", hand.dispute["id"])
        hand.liar_moves()
    hand.json("commit", hand.dispute["id"], "--bond")
    hand.liar_moves()

    rows = hand.json("commitments", "--dispute", hand.dispute["id"][:10])["commitments"]
    (duel,) = hand.json("duels")["duels"]
    traced = hand.json("run-trace", "--dispute", hand.dispute["id"])
    tables = [hand.run(name).stdout for name in ("disputes", "duels", "commitments", "credits")]

    assert {row["side"] for row in rows} == {"older", "newer"}
    assert [row["isFree"] for row in rows if row["side"] == "newer"] == [False]
    assert [row["isRight"] for row in sorted(rows, key=lambda row: row["side"])] == [True, False]
    assert (duel["dispute"], duel["stage"]) == (hand.dispute["id"], "not started")
    assert hand.json("show", rows[0]["id"])["kind"] == "commitment"
    assert hand.json("show", duel["id"])["kind"] == "duel"
    assert traced["agrees"]
    assert traced["root"] == next(row["root"] for row in rows if row["side"] == "newer")
    assert all(table.splitlines()[0].split()[0] in ("id", "account") for table in tables)


def test_move__dry_run__says_what_it_costs_and_sends_nothing(hand: Hand) -> None:
    watcher = "0x" + hand.stage.watcher.address.hex()
    before = hand.stage.client.nonce(hand.stage.watcher.address, "latest")

    planned = hand.json("assert", "--dry-run", "--account", watcher, key="")

    assert planned["dryRun"] is True
    assert planned["account"] == watcher
    assert planned["maxFeeWei"] > 0
    assert "txHash" not in planned
    assert hand.stage.client.nonce(hand.stage.watcher.address, "latest") == before


def test_move__account_without_funds__is_named_with_what_is_missing(hand: Hand) -> None:
    poor = L1Account(hand.stage.client, POOR_KEY)
    hand.stage.bob.send(Call(to=poor.address, value_wei=10**18))
    stake_wei = hand.fight.params.stake_wei

    output = hand.refused("assert", key=POOR_KEY.hex())

    assert f"account 0x{poor.address.hex()} has {10**18} wei" in output
    assert f"send it {stake_wei - 10**18} wei more" in output


def test_move__without_a_key__asks_for_one_or_for_a_dry_run(hand: Hand) -> None:
    output = hand.refused("assert", key="")

    assert "CHALLENGER_PRIVATE_KEY" in output
    assert "--dry-run" in output


def test_move__out_of_turn__says_what_comes_next(hand: Hand) -> None:
    hand.json("assert")
    hand.json("open", *hand.pair)
    dispute = hand.dispute["id"]

    assert "the older side moves to level 4 before" in hand.refused("move", dispute)
    assert "the older side is wrong" in hand.refused("move", dispute, "--side", "older")
    assert "no clock ran out yet" in hand.refused("timeout", dispute)
    assert "`challenger show`" in hand.refused("settle", dispute)
    assert "what comes next" in hand.refused("commit", dispute)
    assert "is open already" in hand.refused("open", *hand.pair)
    assert "is not over" in hand.refused("claim", dispute)
    assert "not come down to a step" in hand.refused("prove-step", "--duel", dispute)
    assert "0 assertions, disputes" in hand.refused("show", "0xffffffffff")


def test_assertions__by_hand__refuse_what_loses_the_stake(hand: Hand) -> None:
    wrong = hand.pair[0]

    assert "a stake behind it may be lost" in hand.refused("back", wrong)
    hand.json("assert")
    assert "puts a stake behind it" in hand.refused("assert", "--parent", "0x" + hand.stage.genesis_id.hex())
    assert "`windowEnd` of the parent" in hand.refused("kill-unopened", *hand.pair)
    assert "only stakes on dead assertions" in hand.refused(
        "slash", wrong, "0x" + hand.stage.eve.address.hex()
    )


def test_kill_and_slash__a_silent_newcomer__by_hand(tmp_path: Path) -> None:
    hand = Hand(tmp_path, Fault(unit_lie=UnitLie.ONCE, unit=CALL), is_older=True)
    hand.stage.l1.advance_time(PERIOD_S + 1)
    wrong = hand.pair[1]

    killed = hand.json("kill-unopened", *hand.pair)
    slashed = hand.json("slash", wrong, "0x" + hand.stage.eve.address.hex())

    assert (killed["action"], slashed["action"]) == ("kill_unopened", "slash")
    assert hand.fight.status(hand.fight.liar.assertion) is AssertionStatus.DEAD
    hand.fight.close()


def test_run_trace__of_units_and_of_whole_batches__both_engines_agree(hand: Hand) -> None:
    one = hand.json("run-trace", "--unit", "1:2")
    wrong = hand.refused("run-trace")

    assert one["kind"] == "TRANSACTION"
    assert one["agrees"]
    assert one["depth"] == 1
    assert "name one of" in wrong


def test_run_trace__a_whole_batch_in_one_pass__gives_each_unit(hand: Hand) -> None:
    traced = list(trace_batch(hand.fight.insider, 1))

    kinds = [one.kind for one in traced]
    alone = hand.json("run-trace", "--unit", "1:2")
    assert all(one.agrees for one in traced)
    assert kinds == ["BEGIN_BATCH", "BLOCK_BEGIN", "TRANSACTION", "TRANSACTION", "BLOCK_END", "END_BATCH"]
    assert traced[2].document() | {"seconds": 0, "transaction": ""} == alone | {
        "seconds": 0,
        "transaction": "",
    }


def test_probe__healthy_precompiles__are_not_broken(hand: Hand) -> None:
    planned = hand.json("probe", "--dry-run")
    sent = hand.json("probe")

    assert planned["wasBroken"] is False
    assert "txHash" not in planned
    assert (sent["wasBroken"], sent["isBroken"]) == (False, False)
