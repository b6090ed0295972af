"""An aggregator as a process of its own on anvil, with a funded account."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_ADDRESS
from optimistic.service.contracts import Bridge
from optimistic.service.deployer import Roles, deploy
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.one_shot import OneShotSender
from optimistic.service.signer import Signer
from tests.helpers.anvil import Anvil

_START_S = 60
_STOP_S = 20
_SEQUENCER, _USER, _DEPLOYER = 0, 2, 3
_DEPOSIT_WEI = 100 * 10**18


class NodeProcess:
    """`optimistic run` on a fresh rollup; use as a context manager.

    Parameters
    ----------
    folder : empty; deployment, data and log go here
    arguments : more options of `optimistic run`
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._folder = folder
        self._arguments = arguments
        self._stack = ExitStack()
        keys = dev_keys()
        self.key = keys[_USER]
        self.address = Signer(self.key).address
        self._sequencer, self._deployer = Signer(keys[_SEQUENCER]), Signer(keys[_DEPLOYER])

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        anvil = self._stack.enter_context(Anvil("--block-time", "1"))
        self.l1_url = anvil.url
        client = L1Client.connect(anvil.url)
        roles = Roles(
            sequencer=self._sequencer.address,
            governance=ZERO_ADDRESS,
            guardian=ZERO_ADDRESS,
            fee_recipient=self._sequencer.address,
        )
        params = replace(DEVNET, l1_chain_id=client.chain_id)
        deployment = deploy(client, self._deployer, params, roles)
        deployment.save(self._folder / "deployment.json")
        self._process = self._stack.enter_context(self._spawn(anvil.url))
        self._stack.callback(self._stop)
        self.url: str = self._await(self._logged_url)
        bridge = Bridge(client, deployment.contracts.bridge)
        call = bridge.deposit_call(to=self.address, value=_DEPOSIT_WEI, gas_limit=21_000)
        OneShotSender(client, Signer(self.key)).send(call)
        node = L1Client.connect(self.url)
        self._await(lambda: node.balance_wei(self.address, "latest"))

    def _spawn(self, l1_url: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).with_name("optimistic")), "run", "--l1-rpc-url", l1_url]
        command += ["--deployment", str(self._folder / "deployment.json"), "--rpc-port", "0"]
        command += ["--data-dir", str(self._folder / "data"), "--log-format", "json", *self._arguments]
        log = self._stack.enter_context(self._log.open("wb"))
        secret = {"OPTIMISTIC_PRIVATE_KEY": self._sequencer_key}
        return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | secret)

    @property
    def _sequencer_key(self) -> str:
        return dev_keys()[_SEQUENCER].hex()

    @property
    def _log(self) -> Path:
        return self._folder / "node.log"

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _logged_url(self) -> str | None:
        for line in self._log.read_text().splitlines():
            event: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "rpc_started":
                return str(event["url"])
        return None

    def _await(self, answer: Any) -> Any:
        """Poll until `answer` is neither empty nor zero."""
        deadline_s = time.monotonic() + _START_S
        while time.monotonic() < deadline_s:
            found = answer()
            if found:
                return found
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise TimeoutError(f"the node did not start: {self._log.read_text()[-2_000:]}")
