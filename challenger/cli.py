"""The `challenger` command: watch a rollup from L1 alone, and act."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from challenger.bootstrap import SnapshotInfo, export_snapshot, import_snapshot
from challenger.checklist import check_everything
from challenger.cli_options import (
    account,
    acting_options,
    daemon_config,
    load_signer,
    reading_config,
    reading_options,
)
from challenger.config import Mode
from challenger.dispute_commands import commitments, credits_, disputes, duels, show
from challenger.output import emit_table, progress
from challenger.play_commands import (
    assert_,
    back,
    claim,
    commit,
    kill_unopened,
    move,
    open_,
    probe,
    settle,
    slash,
    timeout,
)
from challenger.replay_range import replay_range
from challenger.report import findings_document, summary
from challenger.session import catch_up, findings_of, opened, set_up_logging, wiring_of
from challenger.step_commands import prove_step, trace, verify_step
from challenger.trace_command import run_trace
from challenger.watchtower import open_patiently
from optimistic import __version__
from optimistic.service.options import CHALLENGER_PREFIX, HASH32, FlatEnvGroup, json_output, root_settings
from optimistic.service.options import option as cli_option
from optimistic.service.terminal import emit, reports_errors

TABLE_COLUMNS = ("id", "batches", "status", "verdict", "firstWrongUnit", "reason")


@click.group(cls=FlatEnvGroup, context_settings=root_settings(CHALLENGER_PREFIX))
@click.version_option(__version__, prog_name="challenger")
def main() -> None:
    """Watch an optimistic rollup from L1 alone: replay batches, judge assertions, rival wrong ones."""


@main.command()
@reading_options
@acting_options
@json_output
@click.pass_context
@reports_errors
def run(context: click.Context, /, *, as_json: bool, **values: Any) -> None:
    """Run the watchtower until it is told to stop.

    With --json, the last findings are printed when it stops.
    """
    config = daemon_config(values)
    set_up_logging(values)
    tower = open_patiently(config, wiring_of(context), load_signer(config))
    code = tower.run()
    findings = tower.monitor.findings
    if as_json:
        last = None if findings is None else summary(findings_document(findings))
        emit({"exitCode": code, "findings": last})
    context.exit(code)


@main.command()
@reading_options
@account
@json_output
@click.pass_context
@reports_errors
def status(context: click.Context, /, *, account: bytes | None, **values: Any) -> None:
    """Show L1, the replay, verdict counts, alerts and, for an account, what it would do."""
    config = reading_config(values, Mode.DRY_RUN if account else Mode.WATCH_ONLY)
    document = findings_of(context, replace(config, account=account), values)
    emit(summary(document))


@main.command()
@reading_options
@json_output
@click.pass_context
@reports_errors
def assertions(context: click.Context, /, *, as_json: bool, **values: Any) -> None:
    """List every assertion with its verdict."""
    document = findings_of(context, reading_config(values), values)
    if as_json:
        emit({"l1Block": document["l1Block"], "assertions": document["assertions"]})
        return
    emit_table([_row(assertion) for assertion in document["assertions"]], TABLE_COLUMNS)


@main.command()
@reading_options
@cli_option("--from-batch", type=click.IntRange(0), default=0, help="First batch to execute again.")
@cli_option("--to-batch", type=click.IntRange(1), default=None, help="End of the range.  [default: all]")
@json_output
@click.pass_context
@reports_errors
def replay(
    context: click.Context, /, *, from_batch: int, to_batch: int | None, as_json: bool, **values: Any
) -> None:
    """Execute a range of batches from L1 and show what each gives."""
    with opened(context, reading_config(values), values) as tower, progress("replay") as tick:
        batches = [line.document() for line in replay_range(tower, from_batch, to_batch, tick)]
    if as_json:
        emit({"batches": batches})
    elif batches:
        emit_table(batches, tuple(batches[0]))


for command in (
    *(disputes, duels, commitments, credits_, show),
    *(assert_, back, open_, commit, move, settle, timeout, kill_unopened, slash, claim, probe),
    *(trace, run_trace, prove_step, verify_step),
):
    main.add_command(command)


@main.command("verify-config")
@reading_options
@acting_options
@json_output
@click.pass_context
@reports_errors
def verify_config(context: click.Context, /, *, as_json: bool, **values: Any) -> None:
    """Check options, deployment file, L1 endpoints, precompiles, key and funds without starting anything."""
    set_up_logging(values)
    results = check_everything(values, wiring_of(context))
    ok = all(result["ok"] for result in results)
    if as_json:
        emit({"ok": ok, "checks": results})
    else:
        emit_table(results, ("check", "ok", "detail"))
    context.exit(0 if ok else 1)


@main.group()
def snapshot() -> None:
    """Start a watchtower from a confirmed state instead of from genesis."""


@snapshot.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@reading_options
@cli_option("--assertion", type=HASH32, default=None, help="Which one.  [default: the last confirmed]")
@json_output
@click.pass_context
@reports_errors
def snapshot_export(context: click.Context, /, *, file: Path, assertion: Any, **values: Any) -> None:
    """Write the state of a confirmed assertion to FILE."""
    with opened(context, reading_config(values), values) as tower:
        catch_up(tower)
        with progress("nodes") as tick:
            info = export_snapshot(tower, file, assertion, lambda done: tick(done, None))
    emit(_snapshot_document(file, info))


@snapshot.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reading_options
@json_output
@click.pass_context
@reports_errors
def snapshot_import(context: click.Context, /, *, file: Path, **values: Any) -> None:
    """Take the state of a confirmed assertion from FILE; every part of it is checked against L1."""
    with opened(context, reading_config(values), values) as tower, progress("nodes") as tick:
        info = import_snapshot(tower, file, lambda done: tick(done, None))
    emit(_snapshot_document(file, info))


# ---------------------------------------------------------------------------------- parts


def _row(assertion: dict[str, Any]) -> dict[str, Any]:
    wrong = assertion["wrong"]
    return {
        **assertion,
        "id": assertion["id"][:18],
        "batches": f"[{assertion['fromBatch']}, {assertion['toBatch']})",
        "firstWrongUnit": "" if wrong is None else wrong["firstWrongUnit"],
    }


def _snapshot_document(file: Path, info: SnapshotInfo) -> dict[str, Any]:
    return {
        "file": str(file),
        "assertion": "0x" + info.assertion.hex(),
        "toBatch": info.to_batch,
        "stateRoot": "0x" + info.state_root.hex(),
        "nodes": info.nodes,
    }
