"""`optimistic price-signer`, `book-reporter`, `keeper`, `market-maker`: processes that take part."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import click

from optimistic.agents.book_reporter import BookReporter
from optimistic.agents.keeper import Keeper
from optimistic.agents.market_maker import Ladder, MarketMaker
from optimistic.agents.price_signer import Observation, Observer, PriceDaemon, await_time, choose
from optimistic.agents.price_sources import HttpSource, PriceSource, ReplaySource
from optimistic.cli.order import api_url, receipts_file
from optimistic.cli.session import KEY_VARIABLE, load_signer, with_node, with_signer
from optimistic.client.keys import TradingKey
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.types import FeedId, SubaccountId
from optimistic.service.clock import SystemClock
from optimistic.service.health import Health, HealthServer
from optimistic.service.l1_client import L1Client
from optimistic.service.lifecycle import Backoff, LoopOptions, Supervisor
from optimistic.service.logging import configure_logging
from optimistic.service.one_shot import OneShotSender
from optimistic.service.options import (
    DURATION_MS,
    URL,
    FlatEnvCommand,
    FlatEnvGroup,
    compose,
    health_of,
    health_options,
    json_output,
    key_file,
    logging_options,
    option,
)
from optimistic.service.settlement_contracts import Observed, PriceOracle
from optimistic.service.signer import Signer, read_key
from optimistic.service.terminal import emit, plain, reports_errors

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NUMBER = click.IntRange(1)
_LONGEST_PAUSE_S: Final = 5
"""After failures; prices are too old and margins gone within seconds."""

l2_rpc_url = option("--l2-rpc-url", type=URL, required=True, help="JSON-RPC endpoint of a rollup node.")
_loop_options: Callable[..., Any] = compose(
    option("--interval", type=DURATION_MS, default="1s", help="Pause between two turns."),
    option("--once", is_flag=True, help="Do one turn, print what came of it, and end."),
    logging_options,
    health_options,
    json_output,
)


class BadObservations(InvalidInput):
    """A file of observations that holds none of ours."""


class _Agent(Protocol):
    def step(self) -> dict[str, Any]: ...


_A = TypeVar("_A", bound=_Agent)


class _Late(Generic[_A]):
    """An agent that starts in its first turn: what it asks at its start may come up later."""

    def __init__(self, start: Callable[[], _A]) -> None:
        self._start = start
        self.agent: _A | None = None

    def step(self) -> dict[str, Any]:
        """Do one turn."""
        if self.agent is None:
            self.agent = self._start()
        return self.agent.step()


def _serve(
    name: str, step: Callable[[], dict[str, Any]], values: dict[str, Any], facts: Callable[[], dict[str, Any]]
) -> int:
    """Run turns until the process is told to stop; return its exit code.

    Parameters
    ----------
    step : one turn; what it returns is published at the health endpoint
    facts : published after every turn, whatever came of it
    """
    configure_logging(level=values["log_level"], log_format=values["log_format"])
    if values["once"]:
        emit(step())
        return 0
    health, supervisor = Health(), Supervisor()

    def turn() -> None:
        published: dict[str, Any] = {}
        try:
            published = step()
        finally:
            for fact, value in {**published, **facts()}.items():
                health.set_fact(fact, plain(value))

    options = LoopOptions(
        name=name,
        interval_s=values["interval"] / 1_000,
        on_failure=lambda error: health.failed(name, str(error)),
        on_success=lambda: health.ok(name),
        backoff=Backoff(limit_s=_LONGEST_PAUSE_S),
    )
    supervisor.add_loop(turn, options, SystemClock())
    where = health_of(values)
    if where is not None:
        server = HealthServer(where, health)
        server.start()
        supervisor.on_close("health", server.close)
    return supervisor.run()


@click.command("price-signer", cls=FlatEnvCommand)
@option("--l2-rpc-url", type=URL, default=None, help="JSON-RPC endpoint of a rollup node; needed to push.")
@option(
    "--l2-chain-id", type=NUMBER, default=None, help="Chain the prices are signed for; default: the node's."
)
@key_file
@option("--feed", type=NUMBER, required=True, help="Number of the feed.")
@option("--csv", "csv_file", type=_FILE, default=None, help="Replay prices from this CSV file with a header.")
@option("--csv-time", default="timestamp", help="Its column of times: seconds, milliseconds or ISO 8601.")
@option("--csv-price", default="close", help="Its column of prices.")
@option("--speed", type=NUMBER, default=1, help="Seconds of the file in one second.")
@option("--price-url", type=URL, default=None, help="Ask this HTTP endpoint for JSON instead.")
@option("--price-path", default="price", help="Keys that lead to the number in its answer, joined by dots.")
@option(
    "--peer",
    type=URL,
    multiple=True,
    help="Health of another signer, such as http://127.0.0.1:9600/health. Repeatable.",
)
@option("--push/--no-push", default=False, help="Push with the others' observations; the key pays the gas.")
@_loop_options
@click.pass_context
@reports_errors
def price_signer(context: click.Context, /, **values: Any) -> None:
    """Sign what a feed costs, publish it at the health endpoint, and push what reaches the quorum."""
    clock = SystemClock()
    node = None if values["l2_rpc_url"] is None else L1Client.connect(values["l2_rpc_url"])
    if values["push"] and node is None:
        raise click.UsageError("--push needs --l2-rpc-url")
    if values["l2_chain_id"] is None and node is None:
        raise click.UsageError("name the chain with --l2-chain-id or a node with --l2-rpc-url")
    feed = FeedId(values["feed"])
    key = TradingKey(read_key(values["key_file"], KEY_VARIABLE))
    source = _source(values, clock.time_s())

    def start() -> PriceDaemon:
        chain_id = values["l2_chain_id"] if node is None else values["l2_chain_id"] or node.chain_id
        return PriceDaemon(
            Observer(source, [key], feed, chain_id),
            feed,
            values["peer"],
            node=node if values["push"] else None,
            pusher=load_signer(values["key_file"]) if values["push"] else None,
            clock=clock,
        )

    late = _Late(start)

    def facts() -> dict[str, Any]:
        published = [] if late.agent is None else late.agent.published
        return {"observations": [seen.to_json() for seen in published]}

    context.exit(_serve("price_signer", late.step, values, facts))


def _source(values: dict[str, Any], now_s: int) -> PriceSource:
    if (values["csv_file"] is None) == (values["price_url"] is None):
        raise click.UsageError("name one source of prices: --csv or --price-url")
    if values["price_url"] is not None:
        return HttpSource(values["price_url"], values["price_path"])
    return ReplaySource.from_csv(
        values["csv_file"],
        time=values["csv_time"],
        price=values["csv_price"],
        begins_s=now_s,
        speed=values["speed"],
    )


@click.command("book-reporter", cls=FlatEnvCommand)
@api_url
@l2_rpc_url
@key_file
@option(
    "--market", type=NUMBER, multiple=True, required=True, help="Number of a market to report. Repeatable."
)
@option("--pause", type=DURATION_MS, default="5s", help="Least time between two reports of a market.")
@_loop_options
@click.pass_context
@reports_errors
def book_reporter(context: click.Context, /, **values: Any) -> None:
    """Report the exchange's books to the chain; the key is that of the reporter governance has named."""
    reporter = BookReporter(
        values["api_url"],
        L1Client.connect(values["l2_rpc_url"]),
        load_signer(values["key_file"]),
        values["market"],
        values["pause"] / 1_000,
        SystemClock(),
    )
    code = _serve("book_reporter", reporter.step, values, dict)
    reporter.close()
    context.exit(code)


@click.command(cls=FlatEnvCommand)
@l2_rpc_url
@key_file
@option(
    "--subaccount", type=NUMBER, required=True, help="Own subaccount: takes positions over, gets rewards."
)
@_loop_options
@click.pass_context
@reports_errors
def keeper(context: click.Context, /, **values: Any) -> None:
    """Flag and liquidate subaccounts below their maintenance margin, against own quotes."""
    node = L1Client.connect(values["l2_rpc_url"])
    secret = read_key(values["key_file"], KEY_VARIABLE)
    late = _Late(lambda: Keeper(node, secret, SubaccountId(values["subaccount"]), SystemClock()))
    context.exit(_serve("keeper", late.step, values, dict))


@click.command("market-maker", cls=FlatEnvCommand)
@api_url
@key_file
@option("--subaccount", type=NUMBER, required=True, help="Own subaccount that trades.")
@option("--market", type=NUMBER, required=True, help="Number of the market.")
@option("--levels", type=click.IntRange(1, 50), default=10, help="Quotes a side.")
@option("--lots", type=NUMBER, default=10, help="Lots of each quote.")
@option("--spread-pips", type=NUMBER, default=500, help="First quote's distance from the mark, millionths.")
@option("--step-pips", type=NUMBER, default=200, help="Distance between two quotes, millionths.")
@option(
    "--max-lots", type=NUMBER, default=1_000, help="Position beyond which the side that adds is not quoted."
)
@receipts_file
@_loop_options
@click.pass_context
@reports_errors
def market_maker(context: click.Context, /, **values: Any) -> None:
    """Quote both sides of a market around its mark; all quotes of a turn under one signature."""
    ladder = Ladder(
        levels=values["levels"],
        lots=values["lots"],
        spread_pips=values["spread_pips"],
        step_pips=values["step_pips"],
        max_lots=values["max_lots"],
    )
    key = TradingKey(read_key(values["key_file"], KEY_VARIABLE))

    def start() -> MarketMaker:
        maker = MarketMaker(
            values["api_url"], key, values["subaccount"], values["market"], ladder, SystemClock()
        )
        if values["receipts"] is not None:
            maker.keep_receipts(values["receipts"])
        return maker

    late = _Late(start)
    code = _serve("market_maker", late.step, values, dict)
    if late.agent is not None and not values["once"]:
        late.agent.close()
    context.exit(code)


@click.group(cls=FlatEnvGroup)
def price() -> None:
    """Prices of feeds on the chain."""


@price.command(cls=FlatEnvCommand)
@with_node
@with_signer
@click.argument("files", type=_FILE, nargs=-1, required=True)
@option("--feed", type=NUMBER, required=True, help="Number of the feed.")
def push(node: L1Client, signer: Signer, files: tuple[Path, ...], feed: int) -> None:
    """Push signed observations from FILES, as `optimistic price-signer --once --json` prints them."""
    oracle, clock = PriceOracle.of(node), SystemClock()
    seen = [found for path in files for found in _observations(path)]
    ours = [found for found in seen if found.feed == feed]
    chosen = choose(oracle.feed(FeedId(feed), "latest"), ours, clock.time_s())
    if not chosen:
        raise BadObservations("too few observations of the feed's signers that are newer than its last price")
    await_time(node, chosen, clock)
    values = [Observed(found.price_wad, found.timestamp, found.signature) for found in chosen]
    receipt = OneShotSender(node, signer).send(oracle.push_call(FeedId(feed), values))
    after = oracle.feed(FeedId(feed), receipt.block_number)
    emit(
        {
            "priceWad": str(after.price_wad),
            "timestamp": after.timestamp,
            "pushed": len(chosen),
            "transactionHash": receipt.tx_hash,
        }
    )


def _observations(path: Path) -> list[Observation]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))["observations"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadObservations(f"{path} holds no observations: {error!r}") from error
    return [Observation.from_json(value) for value in values]
