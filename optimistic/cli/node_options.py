"""Options of the node daemons: flag, variable and config field have one name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from optimistic.node.api.options import ApiLimits, ApiOptions
from optimistic.node.asserter import AsserterOptions
from optimistic.node.batcher import BatcherOptions
from optimistic.node.config import NodeConfig, Role
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.mempool import MempoolLimits
from optimistic.node.rpc.options import RpcLimits, RpcOptions
from optimistic.node.sequencer import SequencerOptions
from optimistic.node.trading import TradingOptions
from optimistic.service.log_reader import ReaderOptions
from optimistic.service.options import (
    DURATION_MS,
    compose,
    data_dir,
    deployment_file,
    health_options,
    json_output,
    key_file,
    l1_rpc_url,
    l1_timeout,
    logging_options,
    max_fee_gwei,
    option,
)
from optimistic.service.tx_types import TxOptions
from optimistic.service.wal import SyncPolicy

_GWEI: Final = 10**9
_COUNT: Final = click.IntRange(1)

Options = Mapping[str, Any]

rpc_options: Callable[..., Any] = compose(
    option("--rpc-host", default="127.0.0.1", help="Address of the JSON-RPC server (HTTP and WebSocket)."),
    option("--rpc-port", type=click.IntRange(0, 65_535), default=9545, help="Its port; 0 takes a free one."),
    option("--rpc-cors", multiple=True, help="Browser origin that may ask; * admits all. Repeatable."),
    option(
        "--rpc-vhost", multiple=True, default=("localhost",), help="Accepted Host name besides IP addresses."
    ),
    option("--rpc-max-body", type=_COUNT, default=5 << 20, help="Longest request, bytes."),
    option("--rpc-max-batch", type=_COUNT, default=1_000, help="Most requests in one batch."),
    option("--rpc-max-log-blocks", type=_COUNT, default=10_000, help="Widest block range of a log query."),
    option("--rpc-max-log-results", type=_COUNT, default=20_000, help="Most logs in one answer."),
)

follower_options: Callable[..., Any] = compose(
    l1_rpc_url,
    l1_timeout,
    deployment_file,
    data_dir,
    option("--l1-poll", type=DURATION_MS, default="500ms", help="Pause between two looks at L1."),
    option("--fsync/--no-fsync", default=True, help="Survive a power cut, not only a kill."),
    rpc_options,
    logging_options,
    health_options,
    json_output,
)

sequencing_options: Callable[..., Any] = compose(
    key_file,
    option(
        "--staker-key-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="Key that asserts and stakes; default: the sequencer's.",
    ),
    option("--block-interval", type=DURATION_MS, default="1s", help="Pause between blocks, at least 100ms."),
    option(
        "--empty-blocks/--no-empty-blocks", default=True, help="Produce blocks although nothing happened."
    ),
    option("--deposit-confirmations", type=_COUNT, default=1, help="L1 blocks before a deposit runs."),
    option("--batch-delay", type=DURATION_MS, default="2s", help="Age at which waiting blocks are posted."),
    option("--batch-empty-delay", type=DURATION_MS, default="60s", help="The same if all of them are empty."),
    option(
        "--posting-margin",
        type=DURATION_MS,
        default="0s",
        help="Post a block only this long after its timestamp; about one L1 slot on a public network.",
    ),
    option("--assert/--no-assert", "asserts", default=True, help="Stake and assert the state after batches."),
    option(
        "--defend/--no-defend",
        default=True,
        help="Play disputes about right assertions; only --max-fee-gwei and the funds of the account bound "
        "the cost. Without it, or without --assert, a watchtower has to.",
    ),
    option("--assert-confirmations", type=_COUNT, default=1, help="L1 blocks before a batch is asserted."),
    option("--assert-interval", type=DURATION_MS, default="60s", help="Least time between two assertions."),
    option(
        "--publish-leaves/--keep-leaves",
        default=False,
        help="Publish the unit leaves behind own assertions, so that others see where one may be wrong.",
    ),
    option("--pool-size", type=_COUNT, default=20_000, help="Transactions that may wait."),
    option("--pool-per-sender", type=_COUNT, default=1_024, help="Transactions of one sender that may wait."),
    option(
        "--min-tip", type=click.IntRange(0), default=0, help="Least tip per gas taken into the pool, wei."
    ),
    option(
        "--allow-unprotected",
        is_flag=True,
        help="Take transactions signed without a chain id (keyless deployers need it).",
    ),
    max_fee_gwei,
)

trading_options: Callable[..., Any] = compose(
    option(
        "--exchange-key-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="Run the exchange: this key signs receipts and pays for settlement on L2.",
    ),
    option("--api-host", default="127.0.0.1", help="Address of the exchange's API (REST and WebSocket)."),
    option("--api-port", type=click.IntRange(0, 65_535), default=9550, help="Its port; 0 takes a free one."),
    option("--api-cors", multiple=True, help="Browser origin that may use it; * admits all. Repeatable."),
    option("--api-verifiers", type=_COUNT, default=1, help="Processes that check signatures."),
    option("--api-max-connections", type=_COUNT, default=1_000, help="Most connections at a time."),
    option(
        "--api-max-streams-per-address",
        type=_COUNT,
        default=200,
        help="Most WebSockets of one network address; more if clients come through a proxy elsewhere.",
    ),
    option(
        "--api-address-rate",
        type=_COUNT,
        default=10_000,
        help="Orders a second from all accounts behind one network address; twice that at once.",
    ),
    option(
        "--exchange-sync",
        type=click.Choice([policy.value for policy in SyncPolicy]),
        default=SyncPolicy.GROUP.value,
        help="Before an answer: each waits for the disk, group lets it follow, none leaves it to the system.",
    ),
)


def trading_config(values: Options) -> TradingOptions:
    """Return the options of the exchange and its API."""
    limits = ApiLimits(
        max_connections=values["api_max_connections"],
        max_streams_per_address=values["api_max_streams_per_address"],
        address_per_s=values["api_address_rate"],
        address_burst=2 * values["api_address_rate"],
    )
    return TradingOptions(
        exchange=ExchangeOptions(sync_policy=SyncPolicy(values["exchange_sync"])),
        api=ApiOptions(
            host=values["api_host"],
            port=values["api_port"],
            cors_origins=tuple(values["api_cors"]),
            verifiers=values["api_verifiers"],
            limits=limits,
        ),
    )


def aggregator_config(values: Options) -> NodeConfig:
    """Return the config of an aggregator."""
    return NodeConfig(
        role=Role.AGGREGATOR,
        asserts=values["asserts"],
        defends=values["defend"],
        sequencer=SequencerOptions(
            block_interval_ms=values["block_interval"],
            empty_blocks=values["empty_blocks"],
            deposit_confirmations=values["deposit_confirmations"],
        ),
        batcher=BatcherOptions(
            max_delay_s=values["batch_delay"] // 1_000,
            max_empty_delay_s=values["batch_empty_delay"] // 1_000,
            posting_margin_s=values["posting_margin"] // 1_000,
        ),
        asserter=AsserterOptions(
            batch_confirmations=values["assert_confirmations"],
            interval_s=values["assert_interval"] // 1_000,
            publishes_leaves=values["publish_leaves"],
        ),
        mempool=MempoolLimits(
            max_transactions=values["pool_size"],
            max_per_sender=values["pool_per_sender"],
            min_tip_wei=values["min_tip"],
            allow_unprotected=values["allow_unprotected"],
        ),
        transactions=TxOptions(max_fee_wei=values["max_fee_gwei"] * _GWEI),
        **_common(values),
    )


def replica_config(values: Options) -> NodeConfig:
    """Return the config of a replica."""
    reader = ReaderOptions(confirmations=values["confirmations"])
    return NodeConfig(role=Role.REPLICA, asserts=False, reader=reader, **_common(values))


def _common(values: Options) -> dict[str, Any]:
    limits = RpcLimits(
        max_body_bytes=values["rpc_max_body"],
        max_batch_items=values["rpc_max_batch"],
        max_log_blocks=values["rpc_max_log_blocks"],
        max_log_results=values["rpc_max_log_results"],
    )
    return {
        "data_dir": values["data_dir"],
        "l1_poll_ms": values["l1_poll"],
        "durable": values["fsync"],
        "rpc": RpcOptions(
            host=values["rpc_host"],
            port=values["rpc_port"],
            cors_origins=tuple(values["rpc_cors"]),
            vhosts=tuple(values["rpc_vhost"]),
            limits=limits,
        ),
    }
