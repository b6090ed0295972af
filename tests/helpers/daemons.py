"""A rollup on anvil whose daemons are processes: started, stopped, killed and started again."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_ADDRESS, Hash32
from optimistic.service.contracts import AssertionChain, Bridge, Inbox
from optimistic.service.deployer import Roles, deploy
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_section import SettlementRoles
from optimistic.service.signer import Signer
from tests.helpers.anvil import Anvil

T = TypeVar("T")

PATIENCE_S = 90
STOP_S = 20
SEQUENCER, WATCHTOWER, USER, DEPLOYER = range(4)


def wait_for(answer: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Poll until `answer` is neither empty nor zero; errors of ours count as empty."""
    deadline_s, last = time.monotonic() + patience_s, ""
    while time.monotonic() < deadline_s:
        try:
            found = answer()
        except Exception as error:  # noqa: BLE001 - whatever a process that is not up yet causes
            last = repr(error)
        else:
            if found:
                return found
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not happen within {patience_s} s {last}")


class Daemon:
    """One command after the other with the same options and the same log."""

    def __init__(self, folder: Path, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.log_path = folder / f"{name}.log"
        self._command = command
        self._environment = os.environ | environment
        self._process: subprocess.Popen[bytes] | None = None
        self._run_begins = 0

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the process."""
        with self.log_path.open("ab") as log:
            self._run_begins = log.tell()
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)
        return self

    def limit_files(self, bytes_per_file: int) -> None:
        """Let no file of the running process grow beyond a size, as a full disk would."""
        assert self._process is not None, "start it first"
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (bytes_per_file, bytes_per_file))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit code."""
        assert self._process is not None, "start it first"
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def kill(self) -> None:
        """End the process without a chance to do anything."""
        self.end(signal.SIGKILL)

    def close(self) -> None:
        """End the process if it still runs."""
        if self.is_running:
            self.kill()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log events with this name of the newest run."""
        lines = self.log_path.read_bytes()[self._run_begins :].decode(errors="replace").splitlines()
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in parsed if event.get("event") == name]


class RollupOnAnvil:
    """Anvil, contracts and the daemons around them; use as a context manager.

    Parameters
    ----------
    folder : empty; deployment, data and logs go here
    changes : parameters that differ from the devnet profile
    """

    def __init__(self, folder: Path, **changes: int) -> None:
        self.folder = folder
        self.keys = dev_keys()
        self.signers = [Signer(key) for key in self.keys]
        self._stack = ExitStack()
        self.anvil = self._stack.enter_context(Anvil("--block-time", "1"))
        self.l1 = L1Client.connect(self.anvil.url)
        sequencer = self.signers[SEQUENCER].address
        roles = Roles(
            sequencer=sequencer, governance=ZERO_ADDRESS, guardian=ZERO_ADDRESS, fee_recipient=sequencer
        )
        params = replace(replace(DEVNET, **changes), l1_chain_id=self.l1.chain_id)  # type: ignore[arg-type]
        self.deployment = deploy(
            self.l1, self.signers[DEPLOYER], params, roles, settlement=self.settlement_roles()
        )
        self.deployment_file = folder / "deployment.json"
        self.deployment.save(self.deployment_file)
        contracts = self.deployment.contracts
        self.inbox = Inbox(self.l1, contracts.inbox)
        self.assertions = AssertionChain(self.l1, contracts.assertion_chain)
        self.bridge = Bridge(self.l1, contracts.bridge)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def settlement_roles(self) -> SettlementRoles | None:
        """Return what a rollup with derivatives begins with."""
        return None

    # ------------------------------------------------------------------------------ daemons

    def aggregator(self, *options: str, l1_url: str | None = None) -> Daemon:
        """Return an aggregator, not started."""
        command = ["optimistic", "run", "--rpc-port", "0", "--block-interval", "200ms", "--batch-delay", "1s"]
        return self._daemon("aggregator", SEQUENCER, [*command, "--assert-interval", "3s", *options], l1_url)

    def replica(self, *options: str) -> Daemon:
        """Return a replica, not started."""
        return self._daemon("replica", USER, ["optimistic", "follow", "--rpc-port", "0", *options], None)

    def watchtower(self, *options: str) -> Daemon:
        """Return a watchtower, not started."""
        command = ["challenger", "run", "--poll-interval", "300ms", "--max-delay", "0s", *options]
        return self._daemon("watchtower", WATCHTOWER, command, None)

    def _daemon(self, name: str, key: int, command: list[str], l1_url: str | None) -> Daemon:
        options = ["--l1-rpc-url", l1_url or self.anvil.url, "--deployment", str(self.deployment_file)]
        options += ["--data-dir", str(self.folder / name)]
        return self.process(name, [*command, *options], self.keys[key])

    def process(self, name: str, command: list[str], secret: bytes) -> Daemon:
        """Return any of our daemons, not started; its log is JSON."""
        program, *arguments = command
        environment = {f"{program.upper()}_PRIVATE_KEY": secret.hex()}
        whole = [_tool(program), *arguments, "--log-format", "json"]
        daemon = Daemon(self.folder, name, whole, environment)
        self._stack.callback(daemon.close)
        return daemon

    def node_of(self, daemon: Daemon) -> L1Client:
        """Return a client of a node's JSON-RPC, once its newest run answers."""
        return L1Client.connect(self.url_of(daemon), timeout_ms=5_000)

    def url_of(self, daemon: Daemon) -> str:
        """Return where a node's newest run serves JSON-RPC."""
        return str(wait_for(lambda: _rpc_url(daemon), f"{daemon.name}'s JSON-RPC"))

    # ------------------------------------------------------------------------------ users

    def send_l1(self, call: Call, key: int = USER) -> Receipt:
        """Send an L1 transaction."""
        return OneShotSender(self.l1, self.signers[key]).send(call)

    def deposit(self, node: L1Client, wei: int = 10**19) -> None:
        """Give the user ether on L2 and wait for it."""
        user = self.signers[USER].address
        self.send_l1(self.bridge.deposit_call(to=user, value=wei, gas_limit=21_000))
        wait_for(lambda: node.balance_wei(user, "latest"), "the deposit on L2")

    def transfer(self, node: L1Client, nonce: int, to: bytes, *, value: int = 1, **fields: Any) -> Hash32:
        """Sign a transfer of the user, send it, return its hash once it is acknowledged."""
        defaults = {
            "type": 2,
            "chainId": self.deployment.params.l2_chain_id,
            "nonce": nonce,
            "gas": 21_000,
            "to": to,
            "value": value,
            "maxFeePerGas": 10**6,
            "maxPriorityFeePerGas": 10**6,
        }
        raw, tx_hash = self.signers[USER].sign_transaction(defaults | fields)
        node.raw_request("eth_sendRawTransaction", ["0x" + raw.hex()])
        return tx_hash

    def cli(self, program: str, *arguments: str, key: int = USER, check: bool = True) -> dict[str, Any]:
        """Run a command with --json; return its object."""
        secret = {f"{program.upper()}_PRIVATE_KEY": self.keys[key].hex()}
        done = subprocess.run(
            [_tool(program), *arguments, "--json"],
            env=os.environ | secret,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if done.returncode and check:
            raise RuntimeError(f"{program} {arguments}: {done.stderr[-2_000:]}")
        lines = done.stdout.splitlines()
        result: dict[str, Any] = json.loads(lines[-1]) if lines else {"error": done.stderr}
        return result

    @property
    def on_l1(self) -> list[str]:
        """Options of commands that talk to L1."""
        return ["--l1-rpc-url", self.anvil.url, "--deployment", str(self.deployment_file)]


def _rpc_url(daemon: Daemon) -> str | None:
    started = daemon.events("rpc_started")
    return str(started[-1]["url"]) if started else None


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
