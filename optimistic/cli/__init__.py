"""The `optimistic` command: deploy, run and use a rollup."""

import click

from optimistic import __version__
from optimistic.cli.agents import book_reporter, keeper, market_maker, price, price_signer
from optimistic.cli.bond import bond, receipt
from optimistic.cli.cash import cash
from optimistic.cli.deploy import deploy
from optimistic.cli.deposit import deposit
from optimistic.cli.devnet import devnet
from optimistic.cli.force import force_include
from optimistic.cli.inspect import inspect
from optimistic.cli.order import order
from optimistic.cli.pause import pause
from optimistic.cli.run import follow, run
from optimistic.cli.status import status
from optimistic.cli.trading import liquidate, margin, market, position
from optimistic.cli.withdraw import withdraw
from optimistic.service.options import OPTIMISTIC_PREFIX, FlatEnvGroup, root_settings


@click.group(cls=FlatEnvGroup, context_settings=root_settings(OPTIMISTIC_PREFIX))
@click.version_option(__version__, prog_name="optimistic")
def main() -> None:
    """An optimistic rollup for derivatives settlement: aggregator, replica and tools."""


_ROLLUP = (deploy, run, follow, devnet, deposit, withdraw, force_include, pause, status, inspect)
_EXCHANGE = (market, order, receipt, position, margin, cash, price, liquidate)
_OPERATORS = (bond, price_signer, book_reporter, keeper, market_maker)
for command in (*_ROLLUP, *_EXCHANGE, *_OPERATORS):
    main.add_command(command)
