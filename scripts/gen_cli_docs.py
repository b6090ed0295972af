"""Write docs/cli.md: every command with its options, from the commands themselves."""

from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from challenger.cli import main as challenger_main
from optimistic.cli import main as optimistic_main

TARGET = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
INTRO = """# Command line

Written by `scripts/gen_cli_docs.py` from the commands' own help. Every option is also an environment
variable: `--l1-rpc-url` of `optimistic` is `OPTIMISTIC_L1_RPC_URL`, of `challenger` `CHALLENGER_L1_RPC_URL`.
Keys come from `--key-file` or from `OPTIMISTIC_PRIVATE_KEY` and `CHALLENGER_PRIVATE_KEY`, never from an
argument. Results go to stdout (one JSON object with `--json`, keys in camelCase as in JSON-RPC), progress and
errors to stderr.
"""


def walk(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Yield the context of a command and of everything below it."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.commands[name]
            yield from walk(child, click.Context(child, parent=context, info_name=name))


def section(context: click.Context) -> str:
    """Return one command's part of the page."""
    command, depth = context.command, context.command_path.count(" ")
    arguments = " ".join(p.make_metavar(context) for p in command.params if isinstance(p, click.Argument))
    title = f"{context.command_path} {arguments}".strip()
    lines = [f"{'#' * min(2 + depth, 4)} `{title}`", "", cleandoc(command.help or ""), ""]
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        lines += ["| option | default | meaning |", "|---|---|---|"]
        lines += [row(option, context) for option in options] + [""]
    return "\n".join(line.rstrip() for line in lines)


def row(option: click.Option, context: click.Context) -> str:
    """Return one option's row."""
    names = ", ".join([*option.opts, *option.secondary_opts])
    record = option.get_help_extra(context)
    default = "required" if option.required else record.get("default", "")
    return f"| `{names}` | {default} | {(option.help or '').replace('|', ' or ')} |"


@click.command(help=__doc__)
@click.option("--check", is_flag=True, help="Write nothing; fail if the page is stale.")
def main(check: bool) -> None:
    """Generate docs/cli.md."""
    programs = {"optimistic": optimistic_main, "challenger": challenger_main}
    contexts = [c for n, p in programs.items() for c in walk(p, click.Context(p, info_name=n))]
    text = "\n".join([INTRO, *map(section, contexts)])
    if check and (not TARGET.exists() or TARGET.read_text() != text):
        raise click.ClickException("docs/cli.md is stale: run scripts/gen_cli_docs.py")
    if not check:
        TARGET.write_text(text)


if __name__ == "__main__":
    main()
