"""`challenger trace`, `prove-step`, `verify-step`: single steps of the machine, from L1 alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from challenger.cli_options import KEY_VARIABLE, checking_options, has_key, reading_config, reading_options
from challenger.config import InvalidConfig
from challenger.duel_step import DuelAtStep, submit_priced
from challenger.output import TableWriter, emit_table, progress
from challenger.proof_file import StepProof, prove
from challenger.sending import price
from challenger.session import opened, set_up_logging
from challenger.step_check import Answer, by_contracts, by_execution, by_witness, check_rollup, not_executed
from challenger.step_trace import NoSuchStep, StepRow, rows, step_details
from challenger.unit_run import open_transaction, open_unit, read_view
from challenger.watchtower import Watchtower
from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.types import Hash32
from optimistic.service.contracts import OneStepVerifier
from optimistic.service.deployment import Deployment
from optimistic.service.one_step import L1_TX_GAS_CAP
from optimistic.service.options import HASH32, FlatEnvCommand, json_output, key_file
from optimistic.service.options import option as cli_option
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit, plain, reports_errors, say
from optimistic.service.unit_inputs import UnitPlace
from optimistic.service.unit_run import UnitRun

FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)

TRACE_COLUMNS: Final = {
    "step": 8,
    "phase": 12,
    "opcode": 16,
    "depth": 5,
    "pc": 5,
    "gas": 9,
    "stackTop": 20,
    "machineHash": 66,
}
_LONGEST_ITEM: Final = TRACE_COLUMNS["stackTop"]
_TICK_STEPS: Final = 256


class UnitPlaceType(click.ParamType[UnitPlace]):
    """A unit as BATCH:UNIT."""

    name = "batch:unit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UnitPlace:
        """Return the place, or fail with what is wrong."""
        if isinstance(value, UnitPlace):
            return value
        parts = str(value).split(":")
        if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts):
            self.fail(f"{value!r} is no unit; write BATCH:UNIT such as 3:12", param, ctx)
        batch, unit = map(int, parts)
        if unit >= 1 << UNIT_BITS:
            self.fail(f"a batch has at most {1 << UNIT_BITS} units", param, ctx)
        return UnitPlace(batch, unit)


UNIT_PLACE: Final = UnitPlaceType()
_STEP: Final = click.IntRange(0, (1 << STEP_BITS) - 1)
_OUT: Final = click.Path(dir_okay=False, path_type=Path)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def unit_option(*, required: bool) -> Callable[[FC], FC]:
    """Add `--unit`."""
    return cli_option(
        "--unit",
        type=UNIT_PLACE,
        required=required,
        help="The unit, as BATCH:UNIT; both count from 0.",
    )


@click.command(cls=FlatEnvCommand)
@reading_options
@cli_option("--tx", type=HASH32, default=None, help="Hash of the L2 transaction or deposit to trace.")
@unit_option(required=False)
@cli_option("--step", type=_STEP, default=None, help="Show all about this step only, counted from 0.")
@cli_option("--from-step", type=_STEP, default=0, help="First step to show.")
@cli_option("--count", type=click.IntRange(1), default=None, help="How many steps to show.  [default: all]")
@json_output
@click.pass_context
@reports_errors
def trace(context: click.Context, /, *, as_json: bool, **values: Any) -> None:
    """Run a unit on the step machine and show its steps.

    Each row is the machine before the step; the last one is where the unit ends. The batches before the unit
    are executed first, from L1 alone.
    """
    if (values["tx"] is None) is (values["unit"] is None):
        raise click.UsageError("name the unit: either --tx or --unit")
    if values["step"] is not None and (values["from_step"] or values["count"] is not None):
        raise click.UsageError("--step shows one step: leave out --from-step and --count")
    with opened(context, reading_config(values), values) as tower:
        unit = _open(tower, values["unit"], values["tx"])
        if values["step"] is not None:
            with progress("run"):
                details = step_details(unit, values["step"])
            emit({**_heading(unit), **details})
            return
        with progress("run"):
            n_steps, end_hash = unit.run_through()
        first, count = values["from_step"], values["count"]
        if first > n_steps:
            raise NoSuchStep(unit.place, first, n_steps)
        end = n_steps + 1 if count is None else min(first + count, n_steps + 1)
        shown = _ticking(rows(unit, first, end), end - first)
        if as_json:
            _print_json({**_heading(unit), "steps": n_steps}, shown)
        else:
            say(_title(unit, n_steps))
            _print_table(shown)
        unit.check_end(end_hash)


@click.command("prove-step", cls=FlatEnvCommand)
@reading_options
@unit_option(required=False)
@cli_option(
    "--step", type=_STEP, default=None, help="The step, counted from 0; the unit's last state repeats."
)
@cli_option("--duel", default=None, help="Instead of both: the duel that came down to the step, by its id.")
@cli_option(
    "--out",
    type=_OUT,
    default=None,
    help="Where to write the proof.  [default: stdout, unless it decides a duel]",
)
@cli_option(
    "--submit", is_flag=True, help="Have L1 check the step, in a transaction; of a duel, decide it by that."
)
@cli_option("--dry-run", is_flag=True, help="With --submit: only say what it would cost.")
@key_file
@json_output
@click.pass_context
@reports_errors
def prove_step(context: click.Context, /, *, out: Path | None, submit: bool, **values: Any) -> None:
    """Prove one step of a unit, for `verify-step` and for the verifier on L1.

    With --duel it is the step that two commitments disagree about; submitted, it kills who is wrong.
    """
    by_place = values["unit"] is not None and values["step"] is not None
    if by_place is (values["duel"] is not None):
        raise click.UsageError("name the step: --unit and --step, or --duel")
    signer = _signer(values["key_file"]) if submit else None
    if out is not None and not out.absolute().parent.is_dir():
        raise click.BadParameter("its folder does not exist", param_hint="--out")
    with opened(context, reading_config(values), values) as tower:
        duel = None if by_place else DuelAtStep.find(tower, values["duel"])
        place, step = (values["unit"], values["step"]) if duel is None else duel.step_place
        unit = _open(tower, place, None)
        with progress("run"):
            proof = prove(unit, step, tower.deployment.config_hash)
        if out is not None:
            proof.save(out)
        if proof.rests:
            say(f"unit {proof.place} is over before step {proof.v}: the proven step changes nothing")
        onchain = None
        if signer is not None:
            dry_run = values["dry_run"]
            onchain = (
                _submit(tower, signer, proof, dry_run=dry_run)
                if duel is None
                else duel.decide(signer, proof, dry_run=dry_run)
            )
    decided = onchain is not None and duel is not None and not values["as_json"]
    _print_proof(proof, out, onchain, is_short=out is not None or decided)
    context.exit(0 if onchain is None or onchain["agrees"] else 1)


@click.command("verify-step", cls=FlatEnvCommand)
@click.argument("file", type=_FILE)
@checking_options
@json_output
@click.pass_context
@reports_errors
def verify_step(context: click.Context, /, *, file: Path, as_json: bool, **values: Any) -> None:
    """Check the proof in FILE in three ways; nothing is sent.

    By execution of all up to the step, read from L1, if --l1-rpc-url is given; by the step machine on the
    proof alone; by the bytecode of the contracts in an EVM of this process. Exits with 1 unless all ways
    taken agree with the file.
    """
    set_up_logging(values, "critical")
    proof, deployment = StepProof.load(file), Deployment.load(values["deployment"])
    params = deployment.params
    check_rollup(proof, params)
    answers = [_executed(context, proof, values), by_witness(proof, params), by_contracts(proof, params)]
    ok = all(answer.agrees is not False for answer in answers)
    documents = [answer.document() for answer in answers]
    if as_json:
        emit({"ok": ok, **proof.summary(), "ways": documents})
    else:
        emit_table([_answer_row(document) for document in documents], ("way", "agrees", "post", "detail"))
    if not ok:
        say("the proof is wrong: not every way agrees with the file")
    context.exit(0 if ok else 1)


# ---------------------------------------------------------------------------------- parts


def _open(tower: Watchtower, place: UnitPlace | None, tx_hash: bytes | None) -> UnitRun:
    with progress("replay") as tick:
        view = read_view(tower)
        if place is not None:
            return open_unit(tower, view, place, tick)
        assert tx_hash is not None
        return open_transaction(tower, view, Hash32(tx_hash), tick)


def _kind(unit: UnitRun) -> str:
    assert unit.kind is not None, "commands look at units that are there"
    return unit.kind.name


def _heading(unit: UnitRun) -> dict[str, Any]:
    return {
        "batch": unit.place.batch,
        "unit": unit.place.unit,
        "kind": _kind(unit),
        "transaction": unit.tx_hash,
        "acc": unit.acc,
        "endHash": unit.leaf,
    }


def _title(unit: UnitRun, n_steps: int) -> str:
    of = "" if unit.tx_hash is None else f" 0x{unit.tx_hash.hex()}"
    steps = "1 step" if n_steps == 1 else f"{n_steps} steps"
    return f"unit {unit.place}, {_kind(unit)}{of}: {steps}"


def _ticking(shown: Iterator[StepRow], total: int) -> Iterator[dict[str, Any]]:
    """Yield rows as documents while a bar moves."""
    with progress("steps", while_printing=True) as tick:
        for done, row in enumerate(shown):
            if done % _TICK_STEPS == 0:
                tick(done, total)
            yield row.document()


def _print_json(heading: dict[str, Any], shown: Iterator[dict[str, Any]]) -> None:
    """Print one JSON object, its rows as they come, each on a line."""
    click.echo(json.dumps(plain(heading))[:-1] + ', "rows": [', nl=False)
    for index, row in enumerate(shown):
        click.echo((",\n" if index else "\n") + json.dumps(row), nl=False)
    click.echo("\n]}")


def _print_table(shown: Iterator[dict[str, Any]]) -> None:
    table = TableWriter(TRACE_COLUMNS)
    for row in shown:
        item = row["stackTop"]
        if item is not None and len(item) > _LONGEST_ITEM:
            row["stackTop"] = f"{item[:10]}..{item[-8:]}"
        table.row(row)


def _signer(file: Path | None) -> Signer:
    if not has_key(file):
        raise InvalidConfig(f"--submit needs a key: --key-file or {KEY_VARIABLE}")
    return Signer.load(file, KEY_VARIABLE)


def _submit(tower: Watchtower, signer: Signer, proof: StepProof, *, dry_run: bool) -> dict[str, Any]:
    """Ask the verifier on L1, then do the same in a transaction, which shows the gas."""
    verifier = OneStepVerifier(tower.client, tower.deployment.contracts.one_step_verifier)
    place, witness = proof.step_place, proof.witness.encode()
    post = verifier.step(place, witness, at="latest", gas=L1_TX_GAS_CAP)
    priced = price(tower.client, signer.address, verifier.step_call(place, witness))
    found = {"verifier": verifier.address, "post": post, "agrees": post == proof.post}
    return found | submit_priced(tower, signer, priced, dry_run=dry_run)


def _print_proof(
    proof: StepProof, out: Path | None, onchain: dict[str, Any] | None, *, is_short: bool
) -> None:
    """Print the proof itself as JSON, or only a summary: it is in a file, or a duel is decided by it."""
    told = {} if onchain is None else {"onchain": onchain}
    if is_short:
        emit({**({} if out is None else {"file": str(out)}), **proof.summary(), **told})
        return
    click.echo(json.dumps(plain({**proof.to_json(), **told})))


def _executed(context: click.Context, proof: StepProof, values: dict[str, Any]) -> Answer:
    if values["l1_rpc_url"] is None:
        return not_executed()
    with opened(context, reading_config(values), values) as tower, progress("replay") as tick:
        return by_execution(proof, tower, tick)


def _answer_row(document: dict[str, Any]) -> dict[str, Any]:
    said = {True: "yes", False: "no", None: "-"}[document["agrees"]]
    return {**document, "agrees": said, "post": document["post"] or "-"}
