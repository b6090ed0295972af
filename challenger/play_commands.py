"""`challenger assert`, `back`, `open`, `commit`, `move`, `settle` and the others: moves made by hand.

A move is what the watchtower would do at this point, worked out from L1 alone. Each command checks
with L1 first, names what the account lacks, and with --dry-run stops there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

import click

from challenger.actions import Action, AssertBatches, Back, KillUnopened, Slash
from challenger.cli_options import KEY_VARIABLE, has_key, reading_config, reading_options
from challenger.config import InvalidConfig, Mode
from challenger.model import Draft
from challenger.playing import NothingToDo, Table
from challenger.responder import call_of, describe
from challenger.sending import price, send
from challenger.session import catch_up, opened
from challenger.solver import right_chain
from optimistic.protocol.dispute.actions import Commit, GameAction, Settle, Timeout
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.service.contracts import PrecompileGuard
from optimistic.service.game_calls import gas_limit_of
from optimistic.service.names import camel_case, hex_of
from optimistic.service.options import ADDRESS, FlatEnvCommand, compose, json_output, key_file
from optimistic.service.options import option as cli_option
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit, reports_errors, say

FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)

_SIDE: Final = click.Choice([side.name.lower() for side in Side])


def playing_options(function: FC) -> FC:
    """Add what every move needs: L1, whose move, and whether to make it."""
    apply = compose(
        reading_options,
        key_file,
        cli_option(
            "--account", type=ADDRESS, default=None, help="Whose move to plan in a dry run without a key."
        ),
        cli_option("--dry-run", is_flag=True, help="Only say what would be sent and what it costs."),
        json_output,
    )
    return apply(function)


side_option = cli_option("--side", type=_SIDE, default=None, help="Refuse to play for another side.")


@contextmanager
def seated(context: click.Context, values: dict[str, Any]) -> Iterator[tuple[Table, Signer | None]]:
    """Open a tower that has caught up, for the account of the key or of --account.

    Raises
    ------
    InvalidConfig : a transaction needs a key, a dry run a key or an account
    """
    signer, account = _account(values)
    config = replace(reading_config(values, Mode.DRY_RUN), account=account)
    with opened(context, config, values) as tower:
        catch_up(tower)
        yield Table(tower, account), signer


def make(table: Table, signer: Signer | None, action: Action, values: dict[str, Any]) -> None:
    """Check an action with L1, send it unless it is a dry run, and print what became of it.

    Raises
    ------
    Refused, Unfunded : it would fail
    """
    contracts, client = table.contracts, table.tower.client
    call = call_of(contracts, action)
    if isinstance(action, GameAction):
        call = replace(call, gas=gas_limit_of(contracts.of_game, action, "latest"))
    priced = price(client, contracts.account, call)
    told = {camel_case(name): value for name, value in describe(action).items()}
    document = {
        **told,
        "account": hex_of(contracts.account),
        "dryRun": values["dry_run"],
        **priced.document(),
    }
    if signer is not None and not values["dry_run"]:
        say(f"sending a transaction from 0x{signer.address.hex()}, and waiting for its block")
        document |= send(client, signer, priced, table.tower.clock)
    emit(document)


# ---------------------------------------------------------------------------------- assertions


@click.command("assert", cls=FlatEnvCommand)
@cli_option("--parent", default=None, help="Below which assertion.  [default: the newest right one]")
@playing_options
@click.pass_context
@reports_errors
def assert_(context: click.Context, /, *, parent: str | None, **values: Any) -> None:
    """Assert the right state after the batches that follow an assertion, under a stake."""
    with seated(context, values) as (table, signer):
        draft = _draft(table, parent)
        stake_wei = _stake_due(table)
        make(table, signer, AssertBatches(reason="asked for", draft=draft, stake_wei=stake_wei), values)


@click.command(cls=FlatEnvCommand)
@click.argument("assertion")
@cli_option("--wrong-too", is_flag=True, help="Back it even if it is not known to be right; loses the stake.")
@playing_options
@click.pass_context
@reports_errors
def back(context: click.Context, /, *, assertion: str, wrong_too: bool, **values: Any) -> None:
    """Put the stake behind an ASSERTION of somebody else."""
    with seated(context, values) as (table, signer):
        found = table.assertion(assertion)
        verdict = table.verdict(found.id)
        if not table.known.is_right(found.id) and not wrong_too:
            raise NothingToDo(f"the assertion is {verdict.value}: a stake behind it may be lost")
        make(table, signer, Back(reason="asked for", assertion=found.id, stake_wei=_stake_due(table)), values)


@click.command("kill-unopened", cls=FlatEnvCommand)
@click.argument("older")
@click.argument("newer")
@playing_options
@click.pass_context
@reports_errors
def kill_unopened(context: click.Context, /, *, older: str, newer: str, **values: Any) -> None:
    """Kill the NEWER of two siblings if it opened no dispute with the OLDER one in time."""
    with seated(context, values) as (table, signer):
        first, second = table.pair_of(older, newer)
        make(table, signer, KillUnopened(reason="asked for", older=first.id, newer=second.id), values)


@click.command(cls=FlatEnvCommand)
@click.argument("assertion")
@click.argument("staker", type=ADDRESS)
@playing_options
@click.pass_context
@reports_errors
def slash(context: click.Context, /, *, assertion: str, staker: bytes, **values: Any) -> None:
    """Take the stake of a STAKER who is a member of a dead ASSERTION."""
    with seated(context, values) as (table, signer):
        found = table.assertion(assertion)
        make(table, signer, Slash(reason="asked for", assertion=found.id, staker=Address(staker)), values)


# ---------------------------------------------------------------------------------- disputes


@click.command("open", cls=FlatEnvCommand)
@click.argument("older")
@click.argument("newer")
@playing_options
@click.pass_context
@reports_errors
def open_(context: click.Context, /, *, older: str, newer: str, **values: Any) -> None:
    """Open the dispute between an OLDER and a NEWER sibling, the right one."""
    with seated(context, values) as (table, signer):
        make(table, signer, table.opening(*table.pair_of(older, newer)), values)


@click.command(cls=FlatEnvCommand)
@click.argument("dispute")
@side_option
@cli_option("--bond", is_flag=True, help="Pay the bond even if the stake could answer for it.")
@playing_options
@click.pass_context
@reports_errors
def commit(context: click.Context, /, *, dispute: str, side: str | None, bond: bool, **values: Any) -> None:
    """Commit to the right trace of the unit that a DISPUTE came down to."""
    with seated(context, values) as (table, signer):
        found = table.dispute(dispute)
        action: Commit = table.commitment(found, _side(side))
        if bond:
            action = replace(action, is_free=False, bond_wei=table.view.terms.bond_wei)
        make(table, signer, action, values)


@click.command(cls=FlatEnvCommand)
@click.argument("duel")
@side_option
@cli_option("--level", type=click.IntRange(1), default=None, help="Refuse to move from another level.")
@cli_option(
    "--commitments",
    nargs=2,
    default=None,
    metavar="OLDER NEWER",
    help="Name the duel by its commitments; DUEL is the dispute then.",
)
@playing_options
@click.pass_context
@reports_errors
def move(context: click.Context, /, *, duel: str, level: int | None, **values: Any) -> None:
    """Make the right side's move in a DUEL, its first one included, or in the walk of a dispute."""
    side, named = values["side"], values["commitments"]
    with seated(context, values) as (table, signer):
        dispute, ids = table.duel(duel) if named is None else table.duel_of(duel, named)
        action = table.step_down(dispute, ids, _side(side))
        stands_at = getattr(action, "level", level)
        if level is not None and stands_at != level:
            raise NothingToDo(f"it stands at level {stands_at}, not {level}: somebody moved before")
        make(table, signer, action, values)


@click.command(cls=FlatEnvCommand)
@click.argument("duel")
@playing_options
@click.pass_context
@reports_errors
def timeout(context: click.Context, /, *, duel: str, **values: Any) -> None:
    """End a DUEL, or the walk of a dispute, in which the clock of the side on turn ran out."""
    with seated(context, values) as (table, signer):
        dispute, ids = table.duel(duel)
        make(table, signer, Timeout(reason="asked for", key=table.key_of(dispute, ids)), values)


@click.command(cls=FlatEnvCommand)
@click.argument("dispute")
@playing_options
@click.pass_context
@reports_errors
def settle(context: click.Context, /, *, dispute: str, **values: Any) -> None:
    """Close a DISPUTE that is decided."""
    with seated(context, values) as (table, signer):
        found = table.dispute(dispute)
        make(table, signer, Settle(reason="asked for", older=found.older, newer=found.newer), values)


@click.command(cls=FlatEnvCommand)
@click.argument("dispute")
@cli_option("--for", "receiver", type=ADDRESS, default=None, help="Who is paid.  [default: the own account]")
@playing_options
@click.pass_context
@reports_errors
def claim(context: click.Context, /, *, dispute: str, receiver: bytes | None, **values: Any) -> None:
    """Collect what a DISPUTE that is over owes: bonds, credits, and all shares as a poster."""
    with seated(context, values) as (table, signer):
        account = table.account if receiver is None else Address(receiver)
        assert account is not None, "a seat has an account"
        action = table.claims(table.record(dispute), account)
        if not table.contracts.game.claimable(action, at="latest"):
            raise NothingToDo(
                f"it owes nothing to 0x{account.hex()}: `challenger credits` lists what is owed"
            )
        make(table, signer, action, values)


# ---------------------------------------------------------------------------------- precompiles


@click.command(cls=FlatEnvCommand)
@playing_options
@click.pass_context
@reports_errors
def probe(context: click.Context, /, **values: Any) -> None:
    """Have the guard on L1 look whether precompiles still run as the one-step verifier counts on.

    While it finds one broken, withdrawals wait and no configuration is scheduled.
    """
    signer, account = _account(values)
    with opened(context, reading_config(values), values) as tower:
        guard = PrecompileGuard(tower.client, tower.deployment.contracts.precompile_guard)
        before = guard.is_broken(at="latest")
        priced = price(tower.client, account, guard.probe_call())
        document = {"guard": hex_of(guard.address), "wasBroken": before, "dryRun": values["dry_run"]}
        document |= priced.document()
        if signer is not None and not values["dry_run"]:
            document |= send(tower.client, signer, priced, tower.clock)
            document["isBroken"] = guard.is_broken(at="latest")
        emit(document)


# ---------------------------------------------------------------------------------- parts


def _account(values: dict[str, Any]) -> tuple[Signer | None, Address]:
    """Return the key, if there is one, and the account whose move it is.

    Raises
    ------
    InvalidConfig : a transaction needs a key, a dry run a key or an account
    """
    signer = Signer.load(values["key_file"], KEY_VARIABLE) if has_key(values["key_file"]) else None
    if signer is None and not values["dry_run"]:
        raise InvalidConfig(f"a move needs a key: --key-file or {KEY_VARIABLE}; or try it with --dry-run")
    account = signer.address if signer is not None else values["account"]
    if account is None:
        raise InvalidConfig("a dry run needs --account or a key")
    return signer, Address(account)


def _side(name: str | None) -> Side | None:
    return None if name is None else Side[name.upper()]


def _stake_due(table: Table) -> int:
    """Return what asserting or backing costs beside gas: one stake, unless it is there already."""
    me = table.view.me
    return 0 if me is not None and me.stake.amount else table.view.stake_wei


def _draft(table: Table, parent: str | None) -> Draft:
    """Return what would be asserted."""
    if parent is None:
        chain = right_chain(table.view, table.known)
        if not chain:
            raise NothingToDo("no right assertion is known to assert below: `challenger assertions`")
        below: Hash32 = chain[-1].id
    else:
        below = table.assertion(parent).id
    draft = table.known.drafts.get(below)
    if draft is None:
        raise NothingToDo(f"nothing new below 0x{below.hex()}, or its batches are not replayed yet")
    there = table.view.assertions.get(draft.id)
    if there is not None and there.status is not AssertionStatus.NONE:
        raise NothingToDo(
            f"the right one is there: `challenger back 0x{draft.id.hex()}` puts a stake behind it"
        )
    return draft
