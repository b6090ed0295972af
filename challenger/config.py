"""The operator's options of the watchtower; no consensus value is among them."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from challenger.policy import BackPolicy
from optimistic.protocol.errors import InvalidInput
from optimistic.service.health import HealthOptions


class InvalidConfig(InvalidInput):
    """Options that do not fit together; the message names every problem."""


class Mode(StrEnum):
    """What the watchtower does with what it finds out."""

    ACT = "act"
    """Send transactions."""
    DRY_RUN = "dry-run"
    """Say what would be sent; needs no key but an account to think for."""
    WATCH_ONLY = "watch-only"
    """Judge and alert; plan nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerConfig:
    """Everything `challenger run` can be told; field = option = environment variable."""

    l1_rpc_url: str
    deployment: Path
    data_dir: Path
    l1_check_url: str | None = None
    """A second endpoint that must agree before anything is judged."""
    l1_timeout_ms: int = 10_000
    l1_confirmations: int = 1
    mode: Mode = Mode.ACT
    key_file: Path | None = None
    has_key: bool = False
    """Whether a key file or the key's variable is there; the key itself never gets here."""
    account: bytes | None = None
    """Whose moves a dry run plans, without a key."""
    back: BackPolicy = BackPolicy.CONTESTED
    assert_after_ms: int | None = None
    """Age at which unasserted batches are asserted; None: twice the deployment's force delay."""
    max_delay_ms: int = 300_000
    release_stake: bool = True
    response_delay_ms: int = 0
    response_delay_after: int = 0
    claim_for: tuple[bytes, ...] = ()
    """Further accounts whose bonds and credits are claimed, for them."""
    cross_checks: bool = True
    """Whether contested batches are run on both engines."""
    trace_workers: int = 1
    """Processes that make traces; 0 makes them in the daemon's own loop."""
    trace_cache_bytes: int = 4 << 30
    max_spend_wei: int | None = None
    max_fee_gwei: int = 500
    poll_interval_ms: int = 2_000
    batches_per_turn: int = 16
    stale_after_ms: int = 600_000
    health: HealthOptions | None = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with these options together."""
        found = []
        if self.mode is Mode.ACT and not self.has_key:
            found.append("mode act needs a key: --key-file or CHALLENGER_PRIVATE_KEY")
        if self.mode is Mode.DRY_RUN and not self.has_key and self.account is None:
            found.append("mode dry-run needs --account or a key")
        if self.account is not None and (len(self.account) != 20 or self.has_key):
            found.append("--account is 20 bytes and for a dry run without a key")
        if self.l1_check_url is not None and self.l1_check_url == self.l1_rpc_url:
            found.append("--l1-check-url must be another endpoint than --l1-rpc-url")
        if self.max_spend_wei is not None and self.max_spend_wei <= 0:
            found.append("--max-spend must be more than nothing; use --mode watch-only to spend nothing")
        durations = ("l1_timeout_ms", "poll_interval_ms", "batches_per_turn", "stale_after_ms")
        found += [
            f"--{name.removesuffix('_ms').replace('_', '-')} must be positive"
            for name in durations
            if getattr(self, name) <= 0
        ]
        if self.trace_workers < 0 or self.trace_cache_bytes <= 0 or self.response_delay_after < 0:
            found.append("--trace-workers, --trace-cache and --response-delay-after must not be negative")
        if any(len(account) != 20 for account in self.claim_for):
            found.append("--claim-for is 20 bytes")
        if self.assert_after_ms is not None and self.assert_after_ms % 1000:
            found.append("--assert-after is in whole seconds: L1 time has no smaller part")
        return found

    def check(self) -> None:
        """Raise InvalidConfig with all problems unless there are none."""
        found = self.problems()
        if found:
            raise InvalidConfig("; ".join(found))
