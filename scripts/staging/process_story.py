"""The demonstration on real processes: commands and JSON-RPC, as a user would type them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from optimistic.protocol.errors import TemporaryError
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.signer import Signer
from scripts.staging.story import COUNTER_RUNTIME, init_code

Say = Callable[[str], None]
T = TypeVar("T")

TRANSFERS: Final = 8
WITHDRAWN: Final = "3ether"
_LIAR_KEY: Final = 5
_PATIENCE_S: Final = 300
_POLL_S: Final = 1.0


class StoryStuck(TemporaryError):
    """Something that the story waits for did not happen in time."""


class ProcessStory:
    """Plays the story against a running devnet.

    Parameters
    ----------
    devnet : what `optimistic devnet --json` printed
    say : prints one line of the telling
    stop : set when the story should end early
    kind : of the lie; see `SCENARIOS`
    """

    def __init__(self, devnet: dict[str, Any], say: Say, stop: threading.Event, kind: str) -> None:
        self._kind = kind
        self._say = say
        self._stop = stop
        self._l2_url = devnet["l2RpcUrl"]
        self._on_l1 = ["--l1-rpc-url", devnet["l1RpcUrl"], "--deployment", devnet["deployment"]]
        self._node = L1Client.connect(self._l2_url)
        self._user = Signer.from_hex(devnet["privateKey"])
        self._key = devnet["privateKey"]
        self._watch_folder = str(Path(devnet["deployment"]).parent / "watchtower")

    def play(self) -> None:
        """Play everything."""
        self._transact()
        self._withdraw()
        self._catch_a_lie()

    def _transact(self) -> None:
        sender = OneShotSender(self._node, self._user)
        for number in range(1, TRANSFERS + 1):
            sender.send(Call(to=Signer(dev_keys()[4]).address, value_wei=number))
        created = sender.send(Call(to=None, data=init_code(COUNTER_RUNTIME)))
        assert created.contract_address is not None, "a creation that succeeded has an address"
        sender.send(Call(to=created.contract_address))
        self._say(f"L2:       {TRANSFERS} transfers, 0x{created.contract_address.hex()} deployed and called")

    def _withdraw(self) -> None:
        started = self._run("optimistic", "withdraw", "start", WITHDRAWN, "--l2-rpc-url", self._l2_url)
        self._say(f"L2:       withdrawal of {WITHDRAWN} started; waiting for batch, assertion and window")
        self._await(lambda: self._status(started["key"]) in ("asserted", "confirmed"), "the assertion")
        self._say("assert:   an assertion covers it")
        self._await(lambda: self._status(started["key"]) == "confirmed", "the confirmation")
        arguments = ("withdraw", "finalize", started["key"], *self._on_l1, "--l2-rpc-url", self._l2_url)
        done = self._run("optimistic", *arguments)
        self._say(f"withdraw: {int(done['value']) // 10**18} ETH paid out on L1 ({done['gasUsed']} gas)")

    def _catch_a_lie(self) -> None:
        OneShotSender(self._node, self._user).send(Call(to=self._user.address, value_wei=1))
        head = self._node.head().number
        self._await(lambda: self._safe_number() >= head, "the batch")
        self._say(f"lie:      a stranger stakes on a wrong result ({self._kind}) and plays for it")
        lie = [sys.executable, "scripts/trigger_dispute.py", *self._on_l1, "--kind", self._kind, "--json"]
        told = self._execute(lie, {"LIAR_PRIVATE_KEY": dev_keys()[_LIAR_KEY].hex()})
        for wrong in told["assertions"]:
            self._say(
                f"dispute:  {wrong['id'][:18]}… is {wrong['status']}, after {told['moves']} moves for it"
            )
        over = self._run("challenger", "disputes", *self._on_l1, "--data-dir", self._watch_folder, "--all")
        for dispute in over["disputes"]:
            winner = dispute.get("winner") or "nobody"
            self._say(f"          {dispute['id'][:18]}… {dispute['stage']}, won by {winner[:18]}…")

    def _status(self, key: str) -> str:
        return str(self._node.raw_request("rollup_withdrawalProof", [key])["status"])

    def _safe_number(self) -> int:
        safe = self._node.tagged("safe")
        return 0 if safe is None else safe.number

    def _run(self, program: str, *arguments: str) -> dict[str, Any]:
        command = [str(Path(sys.executable).with_name(program)), *arguments, "--json"]
        return self._execute(command, {"OPTIMISTIC_PRIVATE_KEY": self._key})

    def _execute(self, command: list[str], secret: dict[str, str]) -> dict[str, Any]:
        done = subprocess.run(command, env=os.environ | secret, stdout=subprocess.PIPE, check=True, text=True)
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result

    def _await(self, answer: Callable[[], T | None], what: str) -> T:
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and not self._stop.is_set():
            found = answer()
            if found:
                return found
            self._stop.wait(_POLL_S)
        raise StoryStuck(f"{what} did not happen within {_PATIENCE_S} s")
