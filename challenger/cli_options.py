"""Options of the `challenger` commands: flag, variable and config field have one name."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from challenger.config import ChallengerConfig, Mode
from challenger.policy import BackPolicy
from optimistic.service.options import (
    ADDRESS,
    AMOUNT_WEI,
    CHALLENGER_PREFIX,
    DURATION_MS,
    KEY_VARIABLE_SUFFIX,
    URL,
    compose,
    deployment_file,
    health_of,
    health_options,
    key_file,
    l1_confirmations,
    l1_options,
    l1_timeout,
    logging_options,
    max_fee_gwei,
    option,
)
from optimistic.service.signer import Signer

FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)

KEY_VARIABLE: Final = f"{CHALLENGER_PREFIX}_{KEY_VARIABLE_SUFFIX}"


data_dir = option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="challenger-data",
    help="Folder of the cache; may be deleted at any time.",
)
l1_check_url = option(
    "--l1-check-url",
    type=URL,
    default=None,
    help="Second L1 endpoint; nothing is judged unless both agree.",
)
batches_per_turn = option(
    "--batches-per-turn",
    type=click.IntRange(1),
    default=16,
    help="Batches replayed before looking at L1 again.",
)
account = option(
    "--account", type=ADDRESS, default=None, help="Whose moves to plan in a dry run without a key."
)


def reading_options(function: FC) -> FC:
    """Add what every command needs to read L1 and to replay."""
    apply = compose(l1_options, l1_check_url, deployment_file, data_dir, batches_per_turn, logging_options)
    return apply(function)


def checking_options(function: FC) -> FC:
    """Add the same for a command that can do without L1."""
    apply = compose(
        option("--l1-rpc-url", type=URL, default=None, help="JSON-RPC endpoint of L1, to execute the step."),
        l1_timeout,
        l1_confirmations,
        l1_check_url,
        deployment_file,
        data_dir,
        batches_per_turn,
        logging_options,
    )
    return apply(function)


def acting_options(function: FC) -> FC:
    """Add what only the daemon needs."""
    apply = compose(
        option(
            "--mode",
            type=click.Choice([mode.value for mode in Mode]),
            default=Mode.ACT.value,
            help="Send transactions, only say which, or only judge and alert.",
        ),
        key_file,
        account,
        option(
            "--back",
            type=click.Choice([policy.value for policy in BackPolicy]),
            default=BackPolicy.CONTESTED.value,
            help="When to put the stake behind a right assertion of somebody else.",
        ),
        option(
            "--assert-after",
            type=DURATION_MS,
            default=None,
            help="Assert batches that nobody asserted for this long.  [default: twice the force delay]",
        ),
        option(
            "--max-delay",
            type=DURATION_MS,
            default="5m",
            help="Spread what is not urgent over this time, among watchers.",
        ),
        option(
            "--release-stake/--keep-stake",
            default=True,
            help="Withdraw the stake when no assertion needs it.",
        ),
        option(
            "--max-spend", type=AMOUNT_WEI, default=None, help="Most for fees, stake and bonds, such as 3eth."
        ),
        max_fee_gwei,
        option("--poll-interval", type=DURATION_MS, default="2s", help="Pause between looks at L1."),
        option(
            "--stale-after",
            type=DURATION_MS,
            default="10m",
            help="Alert when the newest L1 block is older than this.",
        ),
        health_options,
    )
    return apply(dispute_options(function))


def dispute_options(function: FC) -> FC:
    """Add what is about playing disputes."""
    apply = compose(
        option(
            "--response-delay",
            type=DURATION_MS,
            default="0s",
            help="Pause before each answer in a dispute, while more than half of the clock is left.",
        ),
        option(
            "--response-delay-after",
            type=click.IntRange(0),
            default=0,
            help="Make that pause only once a search was narrowed down by this many levels.",
        ),
        option(
            "--claim-for",
            type=ADDRESS,
            multiple=True,
            help="Claim bonds and credits of this account too; may be given more than once.",
        ),
        option(
            "--cross-check/--no-cross-check",
            default=True,
            help="Run contested batches on both engines.",
        ),
        option(
            "--trace-workers",
            type=click.IntRange(0),
            default=1,
            help="Processes that make traces; 0 makes them in between.",
        ),
        option(
            "--trace-cache",
            type=click.IntRange(1),
            default=4096,
            help="Most megabytes that traces on disk take.",
        ),
    )
    return apply(function)


def reading_config(values: dict[str, Any], mode: Mode = Mode.WATCH_ONLY) -> ChallengerConfig:
    """Return the config of a command that sends nothing."""
    return ChallengerConfig(mode=mode, trace_workers=0, cross_checks=False, **_reading_fields(values))


def daemon_config(values: dict[str, Any]) -> ChallengerConfig:
    """Return the config of the daemon, checked.

    Raises
    ------
    InvalidConfig : the options do not fit together
    """
    config = ChallengerConfig(
        **_reading_fields(values),
        mode=Mode(values["mode"]),
        key_file=values["key_file"],
        has_key=has_key(values["key_file"]),
        account=values["account"],
        back=BackPolicy(values["back"]),
        assert_after_ms=values["assert_after"],
        max_delay_ms=values["max_delay"],
        release_stake=values["release_stake"],
        response_delay_ms=values["response_delay"],
        response_delay_after=values["response_delay_after"],
        claim_for=tuple(values["claim_for"]),
        cross_checks=values["cross_check"],
        trace_workers=values["trace_workers"],
        trace_cache_bytes=values["trace_cache"] << 20,
        max_spend_wei=values["max_spend"],
        max_fee_gwei=values["max_fee_gwei"],
        poll_interval_ms=values["poll_interval"],
        stale_after_ms=values["stale_after"],
        health=health_of(values),
    )
    config.check()
    return config


def has_key(file: Path | None) -> bool:
    """Return whether a signing key was named."""
    return file is not None or bool(os.environ.get(KEY_VARIABLE))


def load_signer(config: ChallengerConfig) -> Signer | None:
    """Return the signer if there is a key and the mode has a use for it."""
    if config.mode is Mode.WATCH_ONLY or not config.has_key:
        return None
    return Signer.load(config.key_file, KEY_VARIABLE)


def _reading_fields(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "l1_rpc_url": values["l1_rpc_url"],
        "l1_check_url": values["l1_check_url"],
        "l1_timeout_ms": values["l1_timeout"],
        "l1_confirmations": values["l1_confirmations"],
        "deployment": values["deployment"],
        "data_dir": values["data_dir"],
        "batches_per_turn": values["batches_per_turn"],
    }
