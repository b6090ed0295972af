"""The dispute game as a stranger sees it: all events of L1 read anew at each look."""

from dataclasses import dataclass

from optimistic.protocol.dispute.actions import Claim
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.dispute.traces import Player, Terms
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.types import Address, Hash32
from optimistic.service.contracts import AssertionChain, AssertionState, DisputeGame
from optimistic.service.deployment import Deployment
from optimistic.service.event_decoder import decode_event
from optimistic.service.game_index import GameIndex
from optimistic.service.game_reader import GameReader
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_events import Asserted, L1Event
from optimistic.service.l1_types import Header, LogFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """L1 at one block, for one account."""

    block: Header
    disputes: list[DisputeView]
    """Those that are not over."""
    player: Player
    claims: list[Claim]
    asserted: dict[Hash32, Asserted]
    published: dict[Hash32, tuple[PublishedNodes, ...]]

    def siblings(self, assertion: Hash32) -> list[Asserted]:
        """Return the other children of an assertion's parent, oldest first."""
        parent = self.asserted[assertion].parent
        found = (event for event in self.asserted.values() if event.parent == parent)
        return sorted((event for event in found if event.id != assertion), key=lambda event: event.seq)


class Onlooker:
    """Looks at a deployment; keeps nothing between looks."""

    def __init__(self, client: L1Client, deployment: Deployment) -> None:
        contracts = deployment.contracts
        self.client = client
        self.game = DisputeGame(client, contracts.dispute_game)
        self.chain = AssertionChain(client, contracts.assertion_chain)
        self.terms = Terms(
            log_arity=deployment.params.log_arity,
            challenge_period_s=deployment.params.challenge_period_s,
            bond_wei=deployment.params.commitment_bond_wei,
        )
        self._deploy_block = deployment.deploy_block

    def look(self, account: Address) -> Look:
        """Return what there is to see for an account at L1's newest block.

        Raises
        ------
        TemporaryError : L1 cannot be read, or changed meanwhile
        """
        block = self.client.head()
        events, index = self.events(block), GameIndex(self.terms.log_arity)
        for event in events:
            index.apply(event)
        reader = GameReader(self.game, self.chain)
        return Look(
            block=block,
            disputes=reader.disputes(index, block),
            player=reader.player(index, block, account),
            claims=reader.claims(index, block, account),
            asserted={event.id: event for event in events if isinstance(event, Asserted)},
            published={id_: tuple(nodes.values()) for id_, nodes in index.published.items()},
        )

    def events(self, block: Header) -> list[L1Event]:
        """Return the events of assertions and disputes up to a block."""
        wanted = LogFilter(addresses=(self.chain.address, self.game.address))
        logs = self.client.logs(wanted, self._deploy_block, block.number)
        return [event for log in logs if (event := decode_event(log)) is not None]

    def state(self, assertion: Hash32, block: Header) -> AssertionState:
        """Return what L1 stores about an assertion."""
        return self.chain.assertion(assertion, at=block.hash)
