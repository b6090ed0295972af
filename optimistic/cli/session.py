"""What user commands need: a verified deployment, a client, a key."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

from optimistic.service.deployment import Deployment
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.one_shot import OneShotSender
from optimistic.service.options import (
    KEY_VARIABLE_SUFFIX,
    OPTIMISTIC_PREFIX,
    URL,
    compose,
    deployment_file,
    json_output,
    option,
)
from optimistic.service.options import key_file as key_file_option
from optimistic.service.options import l1_rpc_url as l1_rpc_url_option
from optimistic.service.options import l1_timeout as l1_timeout_option
from optimistic.service.signer import Signer
from optimistic.service.terminal import reports_errors

KEY_VARIABLE: Final = f"{OPTIMISTIC_PREFIX}_{KEY_VARIABLE_SUFFIX}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A user's connection to one rollup."""

    deployment: Deployment
    l1: L1Client
    timeout_ms: int

    def node(self, url: str) -> L1Client:
        """Return a client of a rollup node; it must serve the deployment's L2 chain."""
        chain_id = self.deployment.params.l2_chain_id
        return L1Client.connect(url, chain_id=chain_id, timeout_ms=self.timeout_ms)

    def send(self, signer: Signer, call: Call) -> Receipt:
        """Send one L1 transaction and wait for its receipt."""
        return OneShotSender(self.l1, signer).send(call)


def open_session(deployment: Path, l1_rpc_url: str, l1_timeout: int) -> Session:
    """Load the deployment and connect; the endpoint must serve its chain."""
    loaded = Deployment.load(deployment)
    client = L1Client.connect(l1_rpc_url, chain_id=loaded.params.l1_chain_id, timeout_ms=l1_timeout)
    return Session(deployment=loaded, l1=client, timeout_ms=l1_timeout)


def with_session(function: Callable[..., None]) -> Callable[..., None]:
    """Add the L1, deployment and JSON options; the command gets one `session` for them."""

    @wraps(function)
    def wrapped(*, l1_rpc_url: str, l1_timeout: int, deployment: Path, as_json: bool, **rest: Any) -> None:
        del as_json  # `emit` reads it
        function(session=open_session(deployment, l1_rpc_url, l1_timeout), **rest)

    options = (l1_rpc_url_option, l1_timeout_option, deployment_file, json_output)
    return compose(*options)(reports_errors(wrapped))


def with_node(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that only talks to a rollup node; it gets a `node` client."""

    @wraps(function)
    def wrapped(*, l2_rpc_url: str, as_json: bool, **rest: Any) -> None:
        del as_json  # `emit` reads it
        function(node=L1Client.connect(l2_rpc_url), **rest)

    endpoint = option("--l2-rpc-url", type=URL, required=True, help="JSON-RPC endpoint of a rollup node.")
    return compose(endpoint, json_output)(reports_errors(wrapped))


def with_signer(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--key-file``; the command gets a `signer`."""

    @wraps(function)
    def wrapped(*, key_file: Path | None, **rest: Any) -> None:
        function(signer=load_signer(key_file), **rest)

    return key_file_option(wrapped)


def load_signer(path: Path | None) -> Signer:
    """Return the signer of ``--key-file`` or of the environment variable."""
    return Signer.load(path, KEY_VARIABLE)
