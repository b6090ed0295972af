"""`challenger disputes`, `duels`, `commitments`, `credits`, `show`: where everything stands."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from challenger.cli_options import reading_config, reading_options
from challenger.output import emit_table
from challenger.playing import NoSuchObject, Table
from challenger.session import catch_up, findings_of, opened
from optimistic.protocol.dispute.actions import Claim
from optimistic.protocol.dispute.ids import dispute_id
from optimistic.protocol.types import Address
from optimistic.service.game_reader import payable_wei
from optimistic.service.names import hex_of
from optimistic.service.options import ADDRESS, FlatEnvCommand, json_output
from optimistic.service.options import option as cli_option
from optimistic.service.terminal import emit, reports_errors

_ID_SHOWN: Final = 18
DISPUTE_COLUMNS: Final = ("id", "stage", "right", "turn", "left", "ifNobodyMoves", "holds", "next")
DUEL_COLUMNS: Final = ("id", "stage", "turn", "left", "level", "index", "next")
COMMITMENT_COLUMNS: Final = ("id", "no", "side", "depth", "life", "isFree", "isRight", "owner")
CREDIT_COLUMNS: Final = ("account", "dispute", "claimableWei")

of_dispute = cli_option(
    "--dispute", default=None, help="Only of this dispute: its id or the beginning of it."
)


@click.command(cls=FlatEnvCommand)
@reading_options
@cli_option("--all", "is_all", is_flag=True, help="Also those that are over.")
@json_output
@click.pass_context
@reports_errors
def disputes(context: click.Context, /, *, is_all: bool, as_json: bool, **values: Any) -> None:
    """List disputes: whose turn it is, the time left, who would win, what comes next."""
    document = findings_of(context, reading_config(values), values)
    found = [*document["disputes"], *(document["settled"] if is_all else [])]
    _emit_all(document, "disputes", found, as_json=as_json)


@click.command(cls=FlatEnvCommand)
@reading_options
@of_dispute
@json_output
@click.pass_context
@reports_errors
def duels(context: click.Context, /, *, dispute: str | None, as_json: bool, **values: Any) -> None:
    """List the duels of live commitments, started or not."""
    document = findings_of(context, reading_config(values), values)
    _emit_all(document, "duels", _parts(document, "duels", dispute), as_json=as_json)


@click.command(cls=FlatEnvCommand)
@reading_options
@of_dispute
@json_output
@click.pass_context
@reports_errors
def commitments(context: click.Context, /, *, dispute: str | None, as_json: bool, **values: Any) -> None:
    """List the commitments of disputes that are not over, dead ones too."""
    document = findings_of(context, reading_config(values), values)
    _emit_all(document, "commitments", _parts(document, "commitments", dispute), as_json=as_json)


@click.command("credits", cls=FlatEnvCommand)
@reading_options
@cli_option("--account", type=ADDRESS, default=None, help="Only of this account.")
@json_output
@click.pass_context
@reports_errors
def credits_(context: click.Context, /, *, account: bytes | None, as_json: bool, **values: Any) -> None:
    """List what disputes that are over still owe, to whom: bonds, credits, posters' shares."""
    with opened(context, reading_config(values), values) as tower:
        catch_up(tower)
        table = Table(tower, None)
        claims = _claims(table, None if account is None else Address(account))
        game, at = table.contracts.game, table.view.block.hash
        rows = [_credit_row(claim, game.claimable(claim, at=at)) for claim in claims]
        total_wei = payable_wei(game, claims, at=at)
    found = [row for row in rows if row["claimableWei"] != "0"]
    if as_json:
        emit({"credits": found, "totalWei": str(total_wei)})
    else:
        emit_table(found, CREDIT_COLUMNS)


@click.command(cls=FlatEnvCommand)
@click.argument("id_", metavar="ID")
@reading_options
@json_output
@click.pass_context
@reports_errors
def show(context: click.Context, /, *, id_: str, as_json: bool, **values: Any) -> None:
    """Show an assertion, dispute, duel or commitment, named by its ID or the beginning of it."""
    document = findings_of(context, reading_config(values), values)
    wanted = "0x" + id_.lower().removeprefix("0x")
    found = [(kind, entry) for kind, entry in _objects(document) if entry["id"].startswith(wanted)]
    if len(found) != 1:
        raise NoSuchObject(
            f"{len(found)} assertions, disputes, duels and commitments begin with {wanted}: "
            "`challenger assertions` and `challenger disputes --all` list them"
        )
    kind, entry = found[0]
    if kind == "assertion":
        below = [other["id"] for other in document["assertions"] if other["parent"] == entry["id"]]
        entry = {**entry, "children": below}
    shown = {"kind": kind, **entry, "l1Block": document["l1Block"], "l1Time": document["l1Time"]}
    if as_json or kind != "dispute" or entry["stage"] == "over":
        emit(shown)
        return
    emit({key: value for key, value in shown.items() if key not in ("commitments", "duels", "next")})
    for line in entry["next"]:
        click.echo(f"next: {line}")
    for name in ("commitments", "duels"):
        if entry[name]:
            click.echo()
            _emit_rows(name, entry[name])


# ---------------------------------------------------------------------------------- parts


def _emit_all(document: dict[str, Any], name: str, found: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Print disputes, duels or commitments with the block they were read at, or as a table."""
    if as_json:
        emit({"l1Block": document["l1Block"], "l1Time": document["l1Time"], name: found})
    else:
        _emit_rows(name, found)


def _emit_rows(name: str, found: Sequence[dict[str, Any]]) -> None:
    columns, row = {
        "disputes": (DISPUTE_COLUMNS, _dispute_row),
        "duels": (DUEL_COLUMNS, _duel_row),
        "commitments": (COMMITMENT_COLUMNS, _short),
    }[name]
    emit_table([row(entry) for entry in found], columns)


def _objects(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield everything that has an id, with what it is."""
    for assertion in document["assertions"]:
        yield "assertion", assertion
    for dispute in (*document["disputes"], *document["settled"]):
        yield "dispute", dispute
        for duel in dispute.get("duels", ()):
            yield "duel", duel
        for commitment in dispute.get("commitments", ()):
            yield "commitment", commitment


def _parts(document: dict[str, Any], name: str, dispute: str | None) -> list[dict[str, Any]]:
    """Return the duels or commitments of all disputes, or of one."""
    found: Sequence[dict[str, Any]] = document["disputes"]
    if dispute is not None:
        wanted = "0x" + dispute.lower().removeprefix("0x")
        found = [entry for entry in found if entry["id"].startswith(wanted)]
        if len(found) != 1:
            raise NoSuchObject(f"{len(found)} disputes that are not over begin with {wanted}")
    return [part for entry in found for part in entry[name]]


def _claims(table: Table, account: Address | None) -> list[Claim]:
    """Return what every account, or one, might claim of disputes that are over."""
    return [
        table.claims(record, earner)
        for record in table.tower.loader.game_index.disputes.values()
        if record.settlement is not None
        for earner in record.earners
        if account is None or earner == account
    ]


def _credit_row(claim: Claim, claimable_wei: int) -> dict[str, Any]:
    """Return one claim and what it would pay; a poster's shares are part of each of its claims."""
    return {
        "account": hex_of(claim.account),
        "dispute": hex_of(dispute_id(claim.older, claim.newer)),
        "claimableWei": str(claimable_wei),
    }


def _short(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "id": entry["id"][:_ID_SHOWN]}


def _dispute_row(dispute: dict[str, Any]) -> dict[str, Any]:
    if dispute["stage"] == "over":
        winner = dispute["winner"]
        told = "nobody has won" if winner is None else f"won by {winner[:_ID_SHOWN]}"
        return dict.fromkeys(DISPUTE_COLUMNS, "") | {
            "id": dispute["id"][:_ID_SHOWN],
            "stage": "over",
            "next": told,
        }
    forecast = dispute["ifNobodyMoves"]
    return {
        "id": dispute["id"][:_ID_SHOWN],
        "stage": dispute["stage"],
        "right": dispute["right"] or "?",
        "turn": dispute["turn"] or "",
        "left": _pair(dispute["leftSeconds"]),
        "ifNobodyMoves": f"{forecast['winner'] or 'nobody'} at {forecast['at']}",
        "holds": {True: "yes", False: "NO", None: "?"}[dispute["rightSideHolds"]],
        "next": (dispute["next"] or [""])[0],
    }


def _duel_row(duel: dict[str, Any]) -> dict[str, Any]:
    return {**_short(duel), "left": _pair(duel["leftSeconds"])}


def _pair(left: dict[str, int]) -> str:
    """Return the seconds of both sides, the older one's first."""
    return f"{left['older']} s | {left['newer']} s"
