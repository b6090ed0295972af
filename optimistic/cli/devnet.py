"""`optimistic devnet`: anvil, aggregator with exchange, book reporter and watchtower, until interrupted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from optimistic.cli import devnet_market
from optimistic.protocol.errors import CriticalError, RollupError
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import Address
from optimistic.service.contracts import Bridge
from optimistic.service.deployer import Roles, deploy, deploy_dev_token
from optimistic.service.deployment import Deployment
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.files import replace_json
from optimistic.service.l1_client import L1Client
from optimistic.service.market_opening import seal_call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.options import FlatEnvCommand, json_output, option
from optimistic.service.settlement_section import SettlementRoles
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit, reports_errors, say

_SEQUENCER, _WATCHTOWER, _USER, _DEPLOYER, _EXCHANGE = range(5)
_DEPOSIT_WEI: Final = 100 * 10**18
_START_TIMEOUT_S: Final = 60
_STOP_GRACE_S: Final = 20
_MARK: Final = ".devnet"
"""Tells a folder whose content may be deleted."""


class DevnetFailed(CriticalError):
    """A process of the devnet is missing, did not start or ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ports:
    l1: int
    l2: int
    node: int
    watchtower: int
    api: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choices:
    block_time_s: int
    period_s: int
    is_passive: bool


@click.command(cls=FlatEnvCommand)
@option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="devnet-data",
    help="Folder of all data and logs; emptied at the start.",
)
@option("--l1-port", type=click.IntRange(1, 65_535), default=8545, help="Port of anvil.")
@option("--rpc-port", type=click.IntRange(1, 65_535), default=9545, help="Port of the rollup's JSON-RPC.")
@option(
    "--health-port", type=click.IntRange(1, 65_535), default=9600, help="Port of the watchtower's health."
)
@option(
    "--node-health-port",
    type=click.IntRange(1, 65_535),
    default=9601,
    help="Port of the aggregator's health.",
)
@option("--api-port", type=click.IntRange(1, 65_535), default=9700, help="Port of the exchange's API.")
@option("--l1-block-time", type=click.IntRange(1, 60), default=1, help="Seconds between L1 blocks.")
@option("--profile-period", type=click.IntRange(10), default=60, help="Challenge period, seconds.")
@option("--passive", is_flag=True, help="Leave disputes to people: nobody here defends or opens any.")
@json_output
@reports_errors
def devnet(  # noqa: PLR0913 - one argument per option
    *,
    data_dir: Path,
    l1_port: int,
    rpc_port: int,
    health_port: int,
    node_health_port: int,
    api_port: int,
    l1_block_time: int,
    profile_period: int,
    passive: bool,
    as_json: bool,
) -> None:
    """Run a whole rollup on this machine: anvil, aggregator with an exchange, book reporter, watchtower.

    One market is open and waits for prices; traders and price signers have key files, ether and no cash.
    The cash token is worthless: `optimistic cash mint` makes some. Stop with Ctrl-C; everything ends with it.
    """
    del as_json  # `emit` reads it
    _empty(data_dir)
    ports = _Ports(l1=l1_port, l2=rpc_port, node=node_health_port, watchtower=health_port, api=api_port)
    choices = _Choices(block_time_s=l1_block_time, period_s=profile_period, is_passive=passive)
    with _interrupts() as interrupted, ExitStack() as stack:
        processes = _start(stack, data_dir, ports, choices)
        emit(_overview(data_dir, ports))
        say("running; stop with Ctrl-C")
        while not interrupted.wait(1):
            _require_alive(processes)


def _empty(data_dir: Path) -> None:
    """Start with an empty folder; only what an earlier devnet left is deleted."""
    mark = data_dir / _MARK
    if data_dir.exists() and any(data_dir.iterdir()) and not mark.exists():
        raise DevnetFailed(f"{data_dir} is not empty and not of a devnet: name another folder")
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    mark.touch()


def _start(
    stack: ExitStack, folder: Path, ports: _Ports, choices: _Choices
) -> dict[str, subprocess.Popen[bytes]]:
    """Start everything in order; `stack` stops it in reverse."""
    keys, l1_url = dev_keys(), f"http://127.0.0.1:{ports.l1}"
    anvil = [_anvil(), "--port", str(ports.l1), "--block-time", str(choices.block_time_s), "--silent"]
    processes = {"anvil": stack.enter_context(_process("anvil", anvil, folder, {}))}
    client = L1Client.connect(l1_url)
    _await_start(processes, lambda: client.chain_id)
    deployment = _deploy(client, keys, choices.period_s)
    path = folder / "deployment.json"
    deployment.save(path)
    traders = devnet_market.trading_keys()
    devnet_market.write_keys(folder / "keys", traders | {"exchange": keys[_EXCHANGE], "owner": keys[_USER]})
    common = ["--l1-rpc-url", l1_url, "--deployment", str(path), "--log-format", "json"]
    run = [_tool("optimistic"), "run", *common, "--data-dir", str(folder / "aggregator")]
    run += ["--rpc-port", str(ports.l2), "--assert-interval", "10s", "--health-port", str(ports.node)]
    run += ["--exchange-key-file", str(folder / "keys" / "exchange.key"), "--api-port", str(ports.api)]
    run += ["--no-defend"] if choices.is_passive else []
    secret = {"OPTIMISTIC_PRIVATE_KEY": keys[_SEQUENCER].hex()}
    processes["aggregator"] = stack.enter_context(_process("aggregator", run, folder, secret))
    watch = [_tool("challenger"), "run", *common, "--data-dir", str(folder / "watchtower")]
    watch += ["--health-port", str(ports.watchtower)]
    watch += ["--mode", "watch-only"] if choices.is_passive else []
    secret = {"CHALLENGER_PRIVATE_KEY": keys[_WATCHTOWER].hex()}
    processes["watchtower"] = stack.enter_context(_process("watchtower", watch, folder, secret))
    node = L1Client.connect(f"http://127.0.0.1:{ports.l2}")
    _await_start(processes, lambda: node.chain_id)
    user, exchange = Signer(keys[_USER]), Signer(keys[_EXCHANGE])
    bridge = Bridge(client, deployment.contracts.bridge)
    for account in (exchange.address, *devnet_market.funded(traders), user.address):
        call = bridge.deposit_call(to=account, value=_DEPOSIT_WEI, gas_limit=21_000)
        OneShotSender(client, user).send(call)
    _await_start(processes, lambda: node.balance_wei(user.address, "latest") or None)
    _open_market(node, user, folder / "markets.json")
    report = [_tool("optimistic"), "book-reporter", "--market", "1", "--log-format", "json"]
    report += ["--api-url", f"http://127.0.0.1:{ports.api}", "--l2-rpc-url", f"http://127.0.0.1:{ports.l2}"]
    secret = {"OPTIMISTIC_PRIVATE_KEY": traders["reporter"].hex()}
    processes["book-reporter"] = stack.enter_context(_process("book-reporter", report, folder, secret))
    return processes


def _open_market(node: L1Client, owner: Signer, path: Path) -> None:
    """Open the market and seal; leave the file that says how as an example."""
    opening = devnet_market.opening()
    replace_json(path, opening.to_json())
    for call in [*opening.calls(), seal_call()]:
        OneShotSender(node, owner).send(call)


def _deploy(client: L1Client, keys: tuple[bytes, ...], period_s: int) -> Deployment:
    sequencer = Signer(keys[_SEQUENCER]).address
    roles = Roles(
        sequencer=sequencer,
        governance=Address(bytes(20)),
        guardian=Address(bytes(20)),
        fee_recipient=sequencer,
    )
    params = replace(DEVNET, l1_chain_id=client.chain_id, challenge_period_s=period_s)
    deployer = Signer(keys[_DEPLOYER])
    governor = Signer(keys[_USER]).address
    settlement = SettlementRoles(token=deploy_dev_token(client, deployer), owner=governor, guardian=governor)
    return deploy(client, deployer, params, roles, settlement=settlement)


def _overview(folder: Path, ports: _Ports) -> dict[str, Any]:
    keys = dev_keys()
    deployment = json.loads((folder / "deployment.json").read_text(encoding="utf-8"))
    return {
        "l1RpcUrl": f"http://127.0.0.1:{ports.l1}",
        "l2RpcUrl": f"http://127.0.0.1:{ports.l2}",
        "exchangeApi": f"http://127.0.0.1:{ports.api}",
        "aggregatorHealth": f"http://127.0.0.1:{ports.node}/health",
        "watchtowerHealth": f"http://127.0.0.1:{ports.watchtower}/health",
        "deployment": str(folder / "deployment.json"),
        "l2ChainId": deployment["l2ChainId"],
        "token": deployment["settlement"]["token"],
        "gateway": deployment["settlement"]["gateway"],
        "account": Signer(keys[_USER]).address,
        "privateKey": keys[_USER],
        "keyFiles": str(folder / "keys" / "*.key"),
        "markets": str(folder / "markets.json"),
        "logs": str(folder / "*.log"),
    }


# ------------------------------------------------------------------------------ processes


@contextmanager
def _process(
    name: str, command: list[str], folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with its output in a log; end it, by force if it does not listen."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command, stdout=log, stderr=log, env=os.environ | environment, start_new_session=True
        )
        try:
            yield process
        finally:
            _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started: npm's wrappers do not pass signals on."""
    for number, grace_s in ((signal.SIGTERM, _STOP_GRACE_S), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            pass
        return


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Turn SIGINT and SIGTERM into an event while the context lasts."""
    interrupted = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: interrupted.set()) for number in signals]
    try:
        yield interrupted
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _await_start(processes: dict[str, subprocess.Popen[bytes]], answer: Any) -> None:
    """Wait until `answer` gives something but None and errors of ours."""
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        _require_alive(processes)
        try:
            if answer() is not None:
                return
        except RollupError:
            pass
        time.sleep(0.2)
    raise DevnetFailed(f"{list(processes)[-1]} does not answer; look at its log")


def _require_alive(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            raise DevnetFailed(f"{name} ended with code {process.returncode}; look at its log")


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _anvil() -> str:
    local = Path("node_modules/.bin/anvil")
    found = str(local) if local.exists() else shutil.which("anvil")
    if found is None:
        raise DevnetFailed("anvil is not installed: run `make setup` in the checkout")
    return found
