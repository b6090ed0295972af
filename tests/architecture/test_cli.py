"""Every command has help, `--json` and a line in the docs; every option has help and its own variable."""

from collections import defaultdict
from collections.abc import Iterator

import click
import pytest

from challenger.cli import main as challenger_main
from optimistic.cli import main as optimistic_main
from tests.architecture.source_tree import ROOT

PROGRAMS: dict[str, click.Command] = {"optimistic": optimistic_main, "challenger": challenger_main}


def _walk(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            inner = child.make_context(name, [], parent=context, resilient_parsing=True)
            yield from _walk(child, inner)


def _contexts() -> list[click.Context]:
    roots = [
        program.make_context(name, [], resilient_parsing=True, **program.context_settings)
        for name, program in PROGRAMS.items()
    ]
    return [context for root in roots for context in _walk(root.command, root)]


def _leaves() -> list[click.Context]:
    return [context for context in _contexts() if not isinstance(context.command, click.Group)]


def _options(context: click.Context) -> list[click.Option]:
    return [parameter for parameter in context.command.params if isinstance(parameter, click.Option)]


def _variables(context: click.Context, option: click.Option) -> list[str]:
    if option.envvar:
        return [option.envvar] if isinstance(option.envvar, str) else list(option.envvar)
    if context.auto_envvar_prefix and option.allow_from_autoenv and option.name:
        return [f"{context.auto_envvar_prefix}_{option.name.upper()}"]
    return []


@pytest.mark.parametrize("context", _contexts(), ids=lambda context: context.command_path)
def test_command__each__has_help_and_a_line_in_the_docs(context: click.Context) -> None:
    docs = (ROOT / "docs" / "cli.md").read_text()

    assert context.command.help
    assert f"`{context.command_path}" in docs


@pytest.mark.parametrize("context", _leaves(), ids=lambda context: context.command_path)
def test_command__each_leaf__prints_json_on_request(context: click.Context) -> None:
    assert any("--json" in option.opts for option in _options(context))


@pytest.mark.parametrize("context", _leaves(), ids=lambda context: context.command_path)
def test_option__each__has_help_and_an_environment_variable(context: click.Context) -> None:
    assert not [option.name for option in _options(context) if not option.help]
    program = context.find_root().info_name or ""
    for option in _options(context):
        assert all(name.startswith(program.upper() + "_") for name in _variables(context, option))
        assert _variables(context, option) == [f"{program}_{option.name}".upper()] or option.envvar


def test_option__environment_variables__mean_one_option_each() -> None:
    flags = defaultdict(set)
    for context in _leaves():
        for option in _options(context):
            for variable in _variables(context, option):
                flags[variable].add(max(option.opts, key=len))

    assert not {variable: names for variable, names in flags.items() if len(names) > 1}
