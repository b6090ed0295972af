"""Run a rollup as real processes on anvil, play the story on it, and keep it running until Ctrl-C."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click

from optimistic.protocol.errors import RollupError
from optimistic.service.logging import configure_logging
from scripts.staging.process_story import ProcessStory
from scripts.staging.scenarios import SCENARIOS


@click.command(
    help=__doc__,
    epilog="OPTIONS are those of `optimistic devnet`, such as --data-dir and the ports.",
    context_settings={"ignore_unknown_options": True},
)
@click.option("--story/--no-story", default=True, show_default=True, help="Play the story once it runs.")
@click.option(
    "--evil", type=click.Choice(list(SCENARIOS)), default="credit", show_default=True, help="Kind of its lie."
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(story: bool, evil: str, options: tuple[str, ...]) -> None:
    configure_logging(level="error")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    command = [str(Path(sys.executable).with_name("optimistic")), "devnet", "--json", *options]
    devnet = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert devnet.stdout is not None, "it is a pipe"
        first = devnet.stdout.readline()
        if first:
            overview = json.loads(first)
            _show(overview)
            if story:
                _play(overview, stop, evil)
        while devnet.poll() is None and not stop.wait(1):
            pass
    finally:
        devnet.terminate()
        code = devnet.wait()
    raise SystemExit(code)


def _show(devnet: dict[str, Any]) -> None:
    """Tell where everything is."""
    for key, value in devnet.items():
        click.echo(f"{key.ljust(17)} {value}")


def _play(devnet: dict[str, Any], stop: threading.Event, evil: str) -> None:
    """Play the story; one that fails does not end the devnet."""
    try:
        ProcessStory(devnet, click.echo, stop, evil).play()
        click.echo("the story is over; everything keeps running until Ctrl-C")
    except (RollupError, subprocess.CalledProcessError) as error:
        if not stop.is_set():
            click.echo(f"the story stopped: {error}", err=True)


if __name__ == "__main__":
    main()
