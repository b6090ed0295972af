"""Checks everything a watchtower needs, one after the other, and says what is wrong."""

from collections.abc import Callable
from typing import Any, TypeVar

from challenger.cli_options import daemon_config, load_signer
from challenger.config import ChallengerConfig
from challenger.watchtower import Wiring
from optimistic.protocol.errors import CriticalError, RollupError
from optimistic.service.contract import revert_class
from optimistic.service.contracts import AssertionChain, PrecompileProbe
from optimistic.service.data_folder import DataFolder
from optimistic.service.deployment import Deployment, verify_against_l1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted, L1RequestFailed

T = TypeVar("T")


class PrecompilesDiffer(CriticalError):
    """L1 runs precompiles in another way than the one-step verifier counts on."""


class Checklist:
    """Runs checks; what fails is noted and does not stop the others."""

    def __init__(self) -> None:
        self.results: list[dict[str, Any]] = []

    def note(self, check: str, ok: bool, detail: str) -> None:
        """Add a result."""
        self.results.append({"check": check, "ok": ok, "detail": detail})

    def attempt(self, check: str, action: Callable[[], T], detail: str) -> T | None:
        """Run one check and return what it gave, or None if it failed."""
        try:
            result = action()
        except RollupError as error:
            self.note(check, False, str(error) or type(error).__name__)
            return None
        self.note(check, True, detail)
        return result


def check_everything(values: dict[str, Any], wiring: Wiring) -> list[dict[str, Any]]:
    """Return the result of each check; those that build on a failed one are left out."""
    checklist = Checklist()
    config = checklist.attempt("options", lambda: daemon_config(values), "fit together")
    if config is None:
        return checklist.results
    checklist.attempt("data folder", lambda: DataFolder(config.data_dir).close(), str(config.data_dir))
    deployment = checklist.attempt(
        "deployment file", lambda: Deployment.load(config.deployment), "well-formed"
    )
    if deployment is None:
        return checklist.results
    checklist.attempt("genesis", deployment.build_genesis, "rebuilt from the artifacts of this version")
    client = _check_endpoint(checklist, "L1 endpoint", config.l1_rpc_url, (config, deployment, wiring))
    if config.l1_check_url is not None:
        _check_endpoint(checklist, "second endpoint", config.l1_check_url, (config, deployment, wiring))
    if client is not None:
        _check_precompiles(checklist, deployment, client)
        _check_account(checklist, config, deployment, client)
    return checklist.results


def _check_endpoint(
    checklist: Checklist, check: str, url: str, setup: tuple[ChallengerConfig, Deployment, Wiring]
) -> L1Client | None:
    config, deployment, wiring = setup

    def connect() -> L1Client:
        client = wiring.connect(url, deployment.params.l1_chain_id, config.l1_timeout_ms)
        verify_against_l1(deployment, client)
        return client

    return checklist.attempt(check, connect, "holds the contracts of the deployment")


def _check_precompiles(checklist: Checklist, deployment: Deployment, client: L1Client) -> None:
    probe = PrecompileProbe(client, deployment.contracts.precompile_probe)

    def ask() -> None:
        try:
            probe.probe(at="latest")
        except revert_class("NotEnoughGas") as error:
            raise L1RequestFailed(
                f"the endpoint gives calls too little gas to tell: {error}; raise its gas cap, or use another"
            ) from error
        except ContractReverted as error:
            raise PrecompilesDiffer(
                f"L1 differs from what the one-step verifier counts on: {error}"
            ) from error

    checklist.attempt("precompiles", ask, "run on L1 as the one-step verifier counts on")


def _check_account(
    checklist: Checklist, config: ChallengerConfig, deployment: Deployment, client: L1Client
) -> None:
    signer = checklist.attempt("key", lambda: load_signer(config), "readable, or not needed in this mode")
    if signer is None:
        return
    account, chain = signer.address, AssertionChain(client, deployment.contracts.assertion_chain)

    def check_funds() -> None:
        stake = chain.stake_of(account, at="latest").amount_wei
        slashed = chain.is_slashed(account, at="latest")
        checklist.note("stake", not slashed, "slashed: use another account" if slashed else f"{stake} wei")
        balance = client.balance_wei(account, "latest")
        needed = 0 if stake else deployment.params.stake_wei
        checklist.note("funds", balance > needed, f"{balance} wei; a stake takes {needed} wei, and gas")

    checklist.attempt("account", check_funds, "0x" + account.hex())
