"""A staged dispute, played to its end: by itself, or with a person on one side, move by move."""

from collections.abc import Sequence

import click

from challenger.hints import command_of
from optimistic.protocol.dispute.actions import GameAction
from optimistic.service.game_calls import describe, key_of
from scripts.staging.liar import Liar
from scripts.staging.plot import Plot, Say, Tick, told


def watch(plot: Plot, say: Say, tick: Tick) -> None:
    """Let the liars play by themselves until it is over."""
    while not plot.is_over:
        _play(plot, say)
        tick()


def advise(plot: Plot, right: Liar, say: Say, tick: Tick) -> None:
    """Let the liars play, and say what somebody on the right side can do and with which command."""
    said: set[str] = set()
    while not plot.is_over:
        _play(plot, say)
        for action in right.plan():
            if key_of(action) not in said:
                said.add(key_of(action))
                say(f"you:   {_in_words(action)}\n       {command_of(action)}")
        tick()


def ask(plot: Plot, players: Sequence[Liar], say: Say, tick: Tick) -> None:
    """Ask before each move of some players; liars who are not among them play by themselves."""
    left_out: set[str] = set()
    while not plot.is_over:
        if not set(players) & set(plot.liars):
            _play(plot, say)
        for player in players:
            for action in player.plan():
                if key_of(action) not in left_out and not _ask(player, action, say):
                    left_out.add(key_of(action))
        tick()


def _play(plot: Plot, say: Say) -> None:
    for played in plot.turn():
        say(f"liar:  {told(played)}")


def _ask(player: Liar, action: GameAction, say: Say) -> bool:
    """Return whether the person wants the move, after making it."""
    say(f"       {command_of(action)}")
    if not click.confirm(f"you:   {_in_words(action)}; do it?", default=True, err=True):
        return False
    played = player.play(action)
    say("       L1 refuses it" if played is None else f"       {told(played)}")
    return True


def _in_words(action: GameAction) -> str:
    values = describe(action)
    named = [f"{name} {values[name]}" for name in ("side", "node_level", "depth") if name in values]
    until = [] if action.deadline is None else [f"before L1 time {action.deadline}"]
    return ", ".join([f"{values['action']} ({action.reason})", *named, *until])
