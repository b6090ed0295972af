"""Where a dispute is staged: on a rollup that runs, or on one in this process."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from challenger.watchtower import Wiring
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.deployment import Deployment
from optimistic.service.l1_client import L1Client
from optimistic.service.signer import Signer
from optimistic.service.terminal import say as progress
from scripts.staging.by_hand import advise, ask, watch
from scripts.staging.forged_settlement import stage_forgery
from scripts.staging.insider import Insider, Target
from scripts.staging.liar import Liar
from scripts.staging.onlooker import Onlooker
from scripts.staging.plot import Choices, Plot, Say, Tick
from scripts.staging.scenarios import Scenario
from scripts.staging.world import USER_KEY, WATCHTOWER_KEY, World

KEY_VARIABLE: Final = "LIAR_PRIVATE_KEY"
_LIAR_KEY: Final = 5
_PAUSE_S: Final = 0.5
_DEPOSIT_WEI: Final = 10**19
_TRANSFERS: Final = 4


@dataclass(slots=True, kw_only=True)
class Stage:
    """A plot with everything around it; use it as a context manager.

    Attributes
    ----------
    right : plays the right side where a person does; None where daemons do or a person types commands
    """

    plot: Plot
    insider: Insider
    tick: Tick
    right: Callable[[], Liar]
    is_embedded: bool
    resources: ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.resources.close()

    def post(self, choices: Choices) -> Target:
        """Post the wrong assertions."""
        return self.plot.post(choices, self.tick)

    def play(self, by_hand: str | None, say: Say) -> None:
        """Play to the end, with a person on one side or without."""
        if by_hand is None:
            watch(self.plot, say, self.tick)
        elif by_hand == "liar":
            ask(self.plot, self.plot.liars, say, self.tick)
        elif self.is_embedded:
            ask(self.plot, [self.right()], say, self.tick)
        else:
            advise(self.plot, self.right(), say, self.tick)


def running_stage(
    folder: Path, scenario: Scenario, l1_rpc_url: str, deployment: Path, key_file: Path | None
) -> Stage:
    """Return a stage on a rollup that runs; the liar's key comes from a file or from its variable."""
    loaded, clock, resources = Deployment.load(deployment), SystemClock(), ExitStack()
    client = L1Client.connect(l1_rpc_url, chain_id=loaded.params.l1_chain_id)
    insider = Insider(deployment, folder / "insider", Wiring(), l1_rpc_url)
    resources.callback(insider.close)
    onlooker, signer = Onlooker(client, loaded), Signer.load(key_file, KEY_VARIABLE)
    plot = Plot(onlooker, insider, scenario, signer, clock, progress)
    return Stage(
        plot=plot,
        insider=insider,
        tick=lambda: clock.wait(threading.Event(), _PAUSE_S),
        right=lambda: _right(plot, insider, onlooker, signer, clock=clock),
        is_embedded=False,
        resources=resources,
    )


def embedded_stage(folder: Path, scenario: Scenario, *, is_defended: bool) -> Stage:
    """Return a stage on a rollup of this process, which has a few batches.

    Parameters
    ----------
    is_defended : whether a watchtower plays for the right side
    """
    resources = ExitStack()
    world = resources.enter_context(World(folder=folder))
    fill(world, scenario)
    if is_defended:
        world.start_tower()
    wiring = Wiring(connect=lambda *_: world.l1.client(), clock=world.clock)
    insider = Insider(world.deployment_file, folder / "insider", wiring, "http://embedded")
    resources.callback(insider.close)
    onlooker = Onlooker(world.client, world.deployment)
    plot = Plot(onlooker, insider, scenario, world.signers[_LIAR_KEY], world.clock, progress)
    person = world.signers[WATCHTOWER_KEY]
    return Stage(
        plot=plot,
        insider=insider,
        tick=world.turn,
        right=lambda: _right(plot, insider, onlooker, person, clock=world.clock),
        is_embedded=True,
        resources=resources,
    )


def fill(world: World, scenario: Scenario) -> None:
    """Have a batch asserted with what the scenario lies about, and the aggregator stopped."""
    world.start_node()
    if scenario.forgery is None:
        _transfer(world)
    else:
        stage_forgery(world, scenario.forgery)
    head = world.node.chain.head.number + 1
    world.turn_until(lambda: world.node.store.heads().safe.number >= head, "the batch")
    count = world.node.store.batch_count()
    world.turn_until(lambda: bool(world.node.store.assertions_covering(count - 1)), "the assertion")
    world.stop_node()


def _transfer(world: World) -> None:
    """Send a few transactions."""
    user = world.signers[USER_KEY].address
    call = world.bridge.deposit_call(to=user, value=_DEPOSIT_WEI, gas_limit=21_000)
    world.send_l1(USER_KEY, call)
    world.turn_until(lambda: world.node.head_state.account(user).balance > 0, "the deposit")
    for n in range(_TRANSFERS):
        world.send_l2(world.l1.keys[USER_KEY], n + 1, to=user, value=1)


def _right(plot: Plot, insider: Insider, onlooker: Onlooker, signer: Signer, *, clock: Clock) -> Liar:
    """Return a player who is right: the same player with right traces."""
    assert plot.target is not None, "posted before"
    draft = plot.target.draft
    return Liar(onlooker, signer, draft.id, insider.traces(draft), clock=clock)
