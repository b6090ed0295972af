"""L1 at one block: the only place where the watchtower learns anything.

Events are followed block by block and kept; whatever changes without a trace in the events is
read from the contracts at the very block the events end with. An endpoint that contradicts
itself, or a second one, is not believed: the turn fails and nothing is done.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import structlog

from challenger.index import EventIndex, LogKey
from challenger.model import Assertion, ChainView, Identity, L1Block, Staker
from challenger.store import Store
from optimistic.protocol.dispute.actions import Claim
from optimistic.protocol.dispute.traces import Terms
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import AssertionStatus, Deposit
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from optimistic.service.contracts import AssertionChain, AssertionState, DisputeGame, Inbox, PrecompileGuard
from optimistic.service.deployment import Deployment
from optimistic.service.event_decoder import decode_event
from optimistic.service.game_index import DisputeRecord, GameIndex
from optimistic.service.game_reader import GameReader, payable_wei
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import BatchAppended, DepositEnqueued, L1Event
from optimistic.service.l1_types import Header, LogFilter
from optimistic.service.log_reader import LogRange, LogReader, ReaderOptions, ReorgDetected
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.unit_inputs import BatchInput

log = structlog.get_logger(__name__)

_LIES_BEFORE_REREAD: Final = 3
"""Contradictions in a row after which the stored events themselves are doubted."""


class EndpointsDisagree(TemporaryError):
    """Two L1 endpoints tell different stories."""


class EndpointBehind(EndpointsDisagree):
    """The second L1 endpoint does not know the block yet; nothing newer is read until it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderOptions:
    """What to read and how carefully."""

    confirmations: int
    account: Address | None
    """The watchtower's own account; None in watch-only mode."""
    claim_for: tuple[Address, ...] = ()
    """Further accounts whose claims are called for."""


class Loader:
    """Follows L1 and makes views of it; also the verifier's `BatchSource`.

    Parameters
    ----------
    check_client : a second endpoint that must agree on every view
    """

    def __init__(
        self,
        client: L1Client,
        deployment: Deployment,
        store: Store,
        options: LoaderOptions,
        *,
        check_client: L1Client | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        contracts = deployment.contracts
        self._client = client
        self._check_client = check_client
        self._deployment = deployment
        self._store = store
        self._options = options
        self._metrics = metrics if metrics is not None else NoopMetrics()
        self._inbox = Inbox(client, contracts.inbox)
        self._chain = AssertionChain(client, contracts.assertion_chain)
        self._game = DisputeGame(client, contracts.dispute_game)
        self._guard = PrecompileGuard(client, contracts.precompile_guard)
        self._games = GameReader(self._game, self._chain)
        self._reader = LogReader(
            client,
            store.database,
            LogFilter(addresses=(contracts.inbox, contracts.assertion_chain, contracts.dispute_game)),
            start_block=deployment.deploy_block,
            name="watchtower",
            options=ReaderOptions(confirmations=options.confirmations),
        )
        self._lies = 0
        self._index, self._game_index = self._rebuild()
        self._view: ChainView | None = None
        self._awaited: Hash32 | None = None
        self._ignored: frozenset[Hash32] = frozenset()

    # ------------------------------------------------------------------------------ following

    def refresh(self) -> bool:
        """Take the next events of L1 and return whether there are more to take at once.

        Raises
        ------
        TemporaryError : L1 cannot be read, or contradicts itself
        """
        self._wait_for_second()
        try:
            delivered = self._reader.poll()
        except ReorgDetected as reorg:
            self._rewind(reorg.ancestor)
            return True
        if delivered is None:
            return False
        self._apply(delivered)
        return delivered.to_block < delivered.head.number - self._options.confirmations

    @property
    def params(self) -> RollupParams:
        """Consensus parameters of the deployment."""
        return self._deployment.params

    @property
    def cursor(self) -> Header | None:
        """The block up to which events were taken."""
        return self._reader.cursor

    def head(self) -> Header:
        """Return L1's newest block."""
        return self._client.head()

    def _wait_for_second(self) -> None:
        """Stay at a block that the second endpoint lacks: one that always lags would never agree."""
        header = self._reader.cursor
        if self._check_client is None or header is None or header.hash != self._awaited:
            return
        if self._check_client.find_header(header.number) is None:
            self._metrics.count("node_endpoint_out_of_sync")
            raise EndpointBehind(f"the second endpoint does not have block {header.number} yet")
        self._awaited = None

    def _apply(self, delivered: LogRange) -> None:
        events = [event for item in delivered.logs if (event := decode_event(item)) is not None]
        try:
            for event in events:
                self._index.apply(event)
                self._game_index.apply(event)
            with self._store.database.transaction():
                self._store.add_logs(delivered.logs)
                self._reader.commit(delivered)
        except BaseException as error:
            self._index, self._game_index = self._rebuild()
            if isinstance(error, L1Lied):
                self._contradicted()
            raise

    def _rewind(self, ancestor: Header | None) -> None:
        kept = self._deployment.deploy_block - 1 if ancestor is None else ancestor.number
        with self._store.database.transaction():
            self._store.drop_logs_after(kept)
            self._reader.rewind(ancestor)
        self._index, self._game_index = self._rebuild()
        self._view = None
        self._metrics.count("l1_reorgs_seen")
        log.warning("l1_reorganised", kept_up_to=kept)

    def _contradicted(self) -> None:
        """Count a lie; after a few in a row the stored events may be what is wrong: read them again."""
        self._lies += 1
        self._metrics.count("node_endpoint_errors")
        if self._lies >= _LIES_BEFORE_REREAD:
            self._lies = 0
            log.error("l1_events_doubted", reaction="all events are read again")
            self._rewind(None)

    def _rebuild(self) -> tuple[EventIndex, GameIndex]:
        index = EventIndex(self._deployment.genesis.end_leaf)
        game = GameIndex(self._deployment.params.log_arity)
        for item in self._store.logs():
            event = decode_event(item)
            if event is not None:
                index.apply(event)
                game.apply(event)
        return index, game

    # ------------------------------------------------------------------------------ views

    def view(self) -> ChainView | None:
        """Return L1 at the block the events end with; None before the first.

        Raises
        ------
        TemporaryError : L1 cannot be read, contradicts its events, or the endpoints disagree
        """
        header = self._reader.cursor
        if header is None:
            return None
        if self._view is not None and self._view.block.hash == header.hash:
            return self._view
        try:
            self._check_complete(header)
            self._view = self._read_view(header)
        except EndpointBehind:
            self._awaited = header.hash
            raise
        except L1Lied:
            self._contradicted()
            raise
        self._lies = 0
        return self._view

    @property
    def game_index(self) -> GameIndex:
        """Every dispute that L1's events tell of, also those that are over."""
        return self._game_index

    def dispute(self, record: DisputeRecord) -> DisputeView | None:
        """Return a dispute, over or not, at the block of the newest view; None before the first.

        Raises
        ------
        TemporaryError : L1 cannot be read, or contradicts its events
        """
        header = self._reader.cursor
        return None if header is None else self._games.view(self._game_index, record, header)

    def ignore(self, assertions: frozenset[Hash32]) -> None:
        """Take these from the events alone in the next views: nothing is decided by their state on L1."""
        self._ignored = assertions

    def check_openings(self, pairs: Iterable[tuple[Hash32, Hash32]]) -> None:
        """Check that no dispute between these siblings (older, newer) is missing in the events.

        Raises
        ------
        TemporaryError : L1 cannot be read, or contradicts its events
        """
        header = self._reader.cursor
        if header is None:
            return
        try:
            self._games.check_openings(self._game_index, header, pairs)
        except L1Lied:
            self._contradicted()
            raise

    def _check_complete(self, header: Header) -> None:
        index, at = self._index, header.hash
        count = self._inbox.batch_count(at=at)
        if count != len(index.batches) or self._inbox.deposit_count(at=at) != len(index.deposits):
            raise L1Lied(
                f"the inbox has {count} batches at block {header.number}, its events {len(index.batches)}"
            )
        if count and self._inbox.acc(count - 1, at=at) != index.batches[-1].acc:
            raise L1Lied(f"the inbox's accumulator at block {header.number} is not that of its events")
        if self._check_client is not None:
            self._cross_check(self._check_client, header, count)

    def _cross_check(self, other: L1Client, header: Header, count: int) -> None:
        found = other.find_header(header.number)
        if found is None:
            self._metrics.count("node_endpoint_out_of_sync")
            raise EndpointBehind(f"the second endpoint does not have block {header.number} yet")
        if found.hash != header.hash:
            raise EndpointsDisagree(f"the second endpoint has another block {header.number}")
        inbox = Inbox(other, self._inbox.address)
        if count and inbox.acc(count - 1, at=header.hash) != self._index.batches[-1].acc:
            raise EndpointsDisagree(f"the second endpoint has other batches at block {header.number}")

    def _read_view(self, header: Header) -> ChainView:
        params, index, at = self._deployment.params, self._index, header.hash
        latest = self._chain.latest_confirmed(at=at)
        assertions = {genesis.id: genesis for genesis in [self._genesis(header, latest)]}
        settled = index.settled(latest) | self._ignored
        for id_ in index.asserted:
            state = None if id_ in settled else self._chain.assertion(id_, at=at)
            assertions[id_] = self._assertion(id_, state)
        if latest not in assertions:
            raise L1Lied("the last confirmed assertion is not among the events")
        disputes, claims = self._game_index.disputes.values(), self._claims(header)
        return ChainView(
            block=L1Block(number=header.number, hash=header.hash, timestamp=header.timestamp),
            challenge_period_s=params.challenge_period_s,
            airgap_s=params.airgap_s,
            stake_wei=params.stake_wei,
            terms=Terms(
                log_arity=params.log_arity,
                challenge_period_s=params.challenge_period_s,
                bond_wei=params.commitment_bond_wei,
            ),
            batches=tuple(index.batches),
            assertions=assertions,
            genesis_id=self._deployment.genesis.assertion_id,
            latest_confirmed=latest,
            openings=frozenset(dispute.siblings for dispute in disputes),
            disputes=self._games.disputes(self._game_index, header, assertions.keys() - self._ignored),
            settled={d.siblings: d.settlement.winner for d in disputes if d.settlement is not None},
            claims=claims,
            claimable_wei=payable_wei(self._game, claims, at=header.hash),
            has_broken_precompiles=self._guard.is_broken(at=header.hash),
            waiting_since=index.waiting_since(),
            members=self._staked_members(assertions),
            tips={who: tip for who, tip in index.tips.items() if who != self._options.account},
            published={id_: tuple(nodes.values()) for id_, nodes in index.published.items()},
            me=self._identity(header),
        )

    def _genesis(self, header: Header, latest: Hash32) -> Assertion:
        genesis = self._deployment.genesis
        state = (
            self._chain.assertion(genesis.assertion_id, at=header.hash)
            if latest == genesis.assertion_id
            else None
        )
        return Assertion(
            id=genesis.assertion_id,
            parent=ZERO_HASH,
            seq=0,
            poster=ZERO_ADDRESS,
            from_batch=0,
            to_batch=0,
            acc=ZERO_HASH,
            unit_root=ZERO_HASH,
            end_leaf=genesis.end_leaf,
            status=AssertionStatus.CONFIRMED,
            **self._window(genesis.assertion_id, state),
        )

    def _assertion(self, id_: Hash32, state: AssertionState | None) -> Assertion:
        """Return one assertion; without its state it is taken from the events alone."""
        index, event = self._index, self._index.asserted[id_]
        if state is not None and (state.end_leaf, state.to) != (event.end_leaf, event.to_batch):  # also NONE
            raise L1Lied(f"assertion {id_.hex()} is not the one its event announced")
        if state is not None:
            status = state.status
        elif id_ in index.dead:
            status = AssertionStatus.DEAD
        else:
            status = AssertionStatus.CONFIRMED if id_ in index.confirmed else AssertionStatus.LIVE
        return Assertion(
            id=id_,
            parent=event.parent,
            seq=event.seq,
            poster=event.poster,
            from_batch=event.from_batch,
            to_batch=event.to_batch,
            acc=event.acc,
            unit_root=event.unit_root,
            end_leaf=event.end_leaf,
            status=status,
            **self._window(id_, state),
        )

    def _window(self, id_: Hash32, state: AssertionState | None) -> dict[str, int]:
        """Return the fields about the children; of a settled assertion only their range matters."""
        children = self._index.children.get(id_, [])
        if state is None:
            return {"child_to": self._index.asserted[children[0]].to_batch if children else 0}
        if state.children != len(children):
            raise L1Lied(f"assertion {id_.hex()} has {state.children} children, events name {len(children)}")
        return {
            "t0": state.t0,
            "sole_since": state.sole_since,
            "live_children": state.live_children,
            "child_to": state.child_to,
        }

    def _staked_members(self, assertions: dict[Hash32, Assertion]) -> dict[Hash32, tuple[Staker, ...]]:
        stake_wei, found = self._deployment.params.stake_wei, {}
        for id_, members in self._index.members.items():
            if assertions[id_].status is not AssertionStatus.DEAD:
                continue
            stakers = tuple(
                Staker(address=member, amount=stake_wei, tip=self._index.tips[member])
                for member in members
                if member in self._index.tips and member != self._options.account
            )
            if stakers:
                found[id_] = stakers
        return found

    def _claims(self, header: Header) -> tuple[Claim, ...]:
        own = () if self._options.account is None else (self._options.account,)
        accounts = dict.fromkeys((*own, *self._options.claim_for)) if own else {}
        found = (self._games.claims(self._game_index, header, account) for account in accounts)
        return tuple(chain.from_iterable(found))

    def _identity(self, header: Header) -> Identity | None:
        account = self._options.account
        if account is None:
            return None
        stake = self._chain.stake_of(account, at=header.hash)
        return Identity(
            stake=Staker(
                address=account,
                amount=stake.amount_wei,
                tip=stake.tip,
                is_slashed=self._chain.is_slashed(account, at=header.hash),
            ),
            balance_wei=self._client.balance_wei(account, header.hash),
            memberships=frozenset(id_ for id_, members in self._index.members.items() if account in members),
            used_free=self._game_index.free_used(account),
        )

    # ------------------------------------------------------------------------------ batches

    @property
    def n_batches(self) -> int:
        """Number of batches in the events."""
        return len(self._index.batches)

    def batch(self, index: int) -> BatchInput:
        """Return one batch; its deposits are compared with what the inbox stored.

        Raises
        ------
        L1Lied : the inbox stored other deposits
        """
        appended = self._event(self._index.batch_keys[index])
        if not isinstance(appended, BatchAppended):
            raise L1Lied(f"the event of batch {index} is another one")
        record = appended.record
        deposits = tuple(self._deposit(i) for i in range(record.deposit_start, record.deposit_end))
        return BatchInput(record=record, data=appended.data, deposits=deposits)

    def _deposit(self, index: int) -> Deposit:
        head, header = self._index.deposits[index], self._reader.cursor
        event = self._event(head.key)
        if not isinstance(event, DepositEnqueued) or header is None:
            raise L1Lied(f"the event of deposit {index} is another one")
        if self._inbox.deposit_hash(index, at=header.hash) != head.hash:
            raise L1Lied(f"deposit {index} is not the one the inbox stored")
        return event.deposit

    def _event(self, key: LogKey) -> L1Event | None:
        return decode_event(self._store.log(key.block_number, key.log_index))
