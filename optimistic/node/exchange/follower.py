"""Keeps the exchange in step with the chain: prices, positions, what became of batches, reorganisations.

The settlement state is a mirror rebuilt from logs; what it means for orders goes through the exchange's log.
"""

from collections.abc import Iterable
from dataclasses import fields

import structlog

from optimistic.node.exchange import records as rec
from optimistic.node.exchange.auditor import Auditor
from optimistic.node.exchange.batch_results import UnexpectedSettlement, outcomes_of
from optimistic.node.exchange.exchange import Exchange
from optimistic.node.exchange.live import Batch
from optimistic.node.exchange.ports import ChainBlock, ChainHeads, ChainPort, TxResult
from optimistic.node.exchange.resting_risk import RestingRisk
from optimistic.node.exchange.settler import Settler
from optimistic.node.exchange.watched import Watched, ends_of_lost, note_logs, orders_below_fee
from optimistic.protocol.engine import Log
from optimistic.protocol.settlement import events as mirror
from optimistic.protocol.settlement.state import State, Subaccount
from optimistic.protocol.settlement.types import FLAT, MarketId, SubaccountId

log = structlog.get_logger(__name__)

_NOBODY = Subaccount()
_BLOCKS_AT_ONCE = 256


class Follower:
    """Reads the unsafe chain block by block; `step` belongs to one thread.

    Parameters
    ----------
    exchange : the core; its `state` is changed here and nowhere else
    chain : the node
    settler : hears how batches end
    """

    def __init__(self, exchange: Exchange, chain: ChainPort, settler: Settler) -> None:
        self._exchange = exchange
        self._chain = chain
        self._settler = settler
        self._auditor = Auditor(exchange.metrics)
        self._risk = RestingRisk(exchange.state, exchange.machine.exposures, exchange.pretrade)
        self._block = 0
        """Last block in the mirror."""
        self._has_gone_back = True
        """Maybe in the last process."""

    def start(self) -> None:
        """Bring the mirror to where the exchange's log ends; before the first order."""
        with self._exchange.lock:
            noted = self._exchange.machine.chain
            block = self._chain.block(noted.number) if noted.number else None
            if noted.number and (block is None or block.hash != noted.hash):
                self._go_back(self._chain.heads())
            else:
                self._rebuild(noted.number)

    def step(self) -> bool:
        """Follow the next block, if there is one; return whether there was."""
        exchange = self._exchange
        heads, noted = self._chain.heads(), exchange.machine.chain
        if heads.unsafe <= noted.number and self._is_canonical(noted):
            return self._note_heads(heads)
        block = self._chain.block(noted.number + 1)
        if block is None or (noted.number and block.parent != noted.hash):
            with exchange.lock:
                self._go_back(heads)
            return True
        with exchange.lock:
            waiting = exchange.machine.settling.in_flight()
        is_last = heads.unsafe <= block.number
        # Before the results: a nonce that was used by then has its result by now.
        used = self._chain.next_nonce() if is_last else 0
        results = {batch.number: self._chain.result(batch.tx_hash) for batch in waiting}
        with exchange.lock:
            self._follow(block, heads, [*self._batch_records(block.number, waiting, results, used)])
            if is_last and self._has_gone_back:
                self._end_what_is_lost()
        if is_last:  # without the lock: nobody else changes the state
            self._auditor.look(exchange.state, block.number)
        return True

    def _end_what_is_lost(self) -> None:
        """End orders that only lost blocks allowed: their subaccounts, markets, fees, what covered them.

        Judged at the head, since what was lost may have come again.
        """
        exchange, state = self._exchange, self._exchange.state
        below_fee = orders_below_fee(state, exchange.machine, state.markets)
        ends = [*ends_of_lost(state, exchange.machine), *below_fee]
        exchange.commit(lambda _: ends)
        uncovered = [*self._risk.records(())]
        exchange.commit(lambda _: uncovered)
        self._has_gone_back = False

    def _is_canonical(self, noted: rec.BlockNoted) -> bool:
        if not noted.number:
            return True
        block = self._chain.block(noted.number)
        return block is not None and block.hash == noted.hash

    def _note_heads(self, heads: ChainHeads) -> bool:
        """Note that blocks were posted or have become final."""
        noted = self._exchange.machine.chain
        if (heads.posted, heads.final) == (noted.posted, noted.final):
            return False
        record = rec.BlockNoted(noted.number, noted.hash, heads.posted, heads.final)
        self._exchange.commit(lambda _: [record])
        return True

    # ------------------------------------------------------------------------------ one block

    def _follow(self, block: ChainBlock, heads: ChainHeads, settled: list[rec.Record]) -> None:
        exchange = self._exchange
        watched = Watched(exchange.state)
        note_logs(watched, block.logs, exchange.state)
        self._apply(block)
        exchange.machine.announce(watched.market_events(exchange.state))
        exchange.commit(lambda _: settled)
        records: list[rec.Record] = [
            *watched.records(exchange.state, exchange.machine),
            *self._position_records(watched.positions),
            *(() if self._has_gone_back else self._risk.records(watched.accounts)),
            rec.BlockNoted(block.number, block.hash, min(heads.posted, block.number), heads.final),
        ]
        exchange.commit(lambda _: records)
        exchange.metrics.gauge("exchange_chain_block", block.number)

    def _apply(self, block: ChainBlock) -> None:
        state = self._exchange.state
        state.now_s = block.timestamp
        for item in block.logs:
            mirror.apply(state, Log(address=item.address, topics=item.topics, data=item.data))
        self._block = block.number

    def _batch_records(
        self, number: int, waiting: list[Batch], results: dict[int, TxResult | None], used: int
    ) -> Iterable[rec.Record]:
        """Yield what became of the batches that a block executed; nonces below `used` are gone."""
        for batch in waiting:
            result = results[batch.number]
            if result is None:
                if batch.nonce < used:
                    if batch.trades:
                        log.error("settlement_nonce_taken", batch=batch.number, nonce=batch.nonce)
                    yield rec.BatchFailed(batch.number, number)
            elif result.block > number:
                continue
            elif not batch.trades:
                if result.succeeded:
                    log.critical("settlement_failed_batch_took_effect", batch=batch.number)
                yield rec.BatchFailed(batch.number, result.block)
            elif result.succeeded:
                self._settler.batch_settled()
                yield self._settled(
                    batch, result.block, outcomes_of(batch, result.logs, self._exchange.state)
                )
            elif len(batch.trades) == 1:
                yield self._settled(batch, result.block, ((rec.REVERTED, b"", b""),))
            else:
                self._settler.batch_failed(len(batch.trades))
                log.warning("settlement_batch_reverted", batch=batch.number, trades=len(batch.trades))
                yield rec.BatchFailed(batch.number, result.block)

    def _settled(
        self, batch: Batch, block: int, outcomes: tuple[tuple[int, bytes, bytes], ...]
    ) -> rec.BatchSettled:
        n_busts = sum(1 for outcome in outcomes if outcome[0])
        metrics = self._exchange.metrics
        metrics.count("exchange_trades_settled", len(outcomes) - n_busts)
        if n_busts:
            metrics.count("exchange_trades_busted", n_busts)
            log.warning("settlement_trades_busted", batch=batch.number, busts=n_busts, block=block)
        return rec.BatchSettled(batch.number, block, outcomes)

    def _position_records(self, touched: Iterable[tuple[SubaccountId, MarketId]]) -> Iterable[rec.Record]:
        """Yield the positions that are not what the engine thinks."""
        state, machine = self._exchange.state, self._exchange.machine
        for id_, number in touched:
            account, market = state.subaccounts.get(id_, _NOBODY), state.markets[number]
            exposure = machine.exposures.of(id_).get(number)
            unsettled = 0 if exposure is None else exposure.unsettled_lots
            lots = account.legs.get(number, FLAT).size_wad // market.terms.lot_wad + unsettled
            if lots != machine.desk(number).engine.positions.get(id_, 0):
                yield rec.PositionNoted(account.owner, id_, number, lots)

    # ------------------------------------------------------------------------------ the mirror

    def _rebuild(self, up_to: int) -> None:
        """Make the mirror that of a block of the present chain."""
        state, fresh, self._block = self._exchange.state, State(), 0
        for item in fields(State):
            setattr(state, item.name, getattr(fresh, item.name))
        for first in range(1, up_to + 1, _BLOCKS_AT_ONCE):
            for block in self._chain.blocks(first, min(up_to, first + _BLOCKS_AT_ONCE - 1)):
                self._apply(block)
        if self._block != up_to:
            raise UnexpectedSettlement(f"the chain ends with block {self._block}, {up_to} was followed")
        self._risk.forget()
        log.info("exchange_mirror_rebuilt", block=up_to, subaccounts=len(state.subaccounts))

    def _go_back(self, heads: ChainHeads) -> None:
        """Return to the posted head: the blocks above it are not those that were followed."""
        machine = self._exchange.machine
        ancestor = min(machine.chain.posted, heads.posted)
        block = self._chain.block(ancestor) if ancestor else None
        log.warning("exchange_chain_replaced", was=machine.chain.number, back_to=ancestor)
        self._rebuild(ancestor)
        undone = [
            rec.BatchUndone(batch.number)
            for batch in machine.settling.batches.values()
            if batch.block is not None and batch.block > ancestor
        ]
        noted = rec.BlockNoted(ancestor, b"" if block is None else block.hash, ancestor, heads.final)
        self._exchange.commit(lambda _: [*undone, noted])
        self._has_gone_back = True
        moved = [*self._position_records(self._everywhere())]
        self._exchange.commit(lambda _: moved)

    def _everywhere(self) -> Iterable[tuple[SubaccountId, MarketId]]:
        """Return where the engine or the mirror knows of a position."""
        state, desks = self._exchange.state, self._exchange.machine.desks
        engines = [
            (SubaccountId(id_), number)
            for number in state.markets
            if number in desks
            for id_ in desks[number].engine.positions
        ]
        legs = [(id_, number) for id_, account in state.subaccounts.items() for number in account.legs]
        return dict.fromkeys((*engines, *legs))
