"""An L2 for the exchange alone: Clearing's twin behind the exchange's port, blocks kept in a log.

It takes transactions as a node does: by nonce, each once; what waits is lost when the process dies.
"""

from pathlib import Path
from typing import Any

from eth_abi.abi import decode as abi_decode

from optimistic.node.exchange.batch_results import FILL_BUSTED, FILLED
from optimistic.node.exchange.ports import ChainBlock, ChainHeads, ChainLog, TxResult
from optimistic.protocol.constants import CLEARING, LEDGER, MARKETS, PRICE_ORACLE
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.batch_codec import decode
from optimistic.protocol.settlement.clearing import Settlement, settle_batch
from optimistic.protocol.settlement.orders import domain_separator
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import FEES, VAULT, MarketId, Position, SubaccountId
from optimistic.protocol.transactions import decode_transaction
from optimistic.protocol.types import Address, Hash32
from optimistic.service.wal import SyncPolicy, Wal
from tests.helpers.exchange_world import CHAIN_ID, FEED, make_traders, market_state

START_S = 1_700_000_000
SETTLEMENT_KEY = bytes(31) + b"\x12"
_NO_HASH = Hash32(bytes(32))
_TERMS = "(uint32,uint8,uint64,uint128,uint128)"
_LIMITS = "(" + "uint32," * 7 + ",".join(["uint128"] * 7) + ")"


def _words(*values: int | bytes) -> bytes:
    return b"".join(
        value.to_bytes(32, "big", signed=value < 0) if isinstance(value, int) else value.rjust(32, b"\0")
        for value in values
    )


def event_log(address: Address, signature: str | Hash32, indexed: list[Any], *data: Any) -> ChainLog:
    """A log of an event, its fields given as numbers and bytes."""
    topic = keccak256(signature.encode()) if isinstance(signature, str) else signature
    return ChainLog(address, (topic, *(Hash32(_words(item)) for item in indexed)), _words(*data), _NO_HASH)


class FakeChain:
    """Implements `ChainPort`; `mine` makes a block of what waits."""

    def __init__(self, folder: Path, n_traders: int = 4, cash_wad: int = 10**24) -> None:
        self.state = market_state(START_S)
        feed = self.state.feeds[FEED]
        feed.setting = feed.setting.__class__(
            quorum=1, max_jump_pips=100_000, max_age_s=(1 << 31,) * 3, signers=()
        )
        self.traders = make_traders(self.state, n_traders, cash_wad)
        self.state.subaccounts[VAULT].cash_wad = -n_traders * cash_wad
        self._separator = domain_separator(CHAIN_ID)
        self.mined: list[ChainBlock] = []
        self._results: dict[Hash32, TxResult] = {}
        self._nonce = 0
        self._waiting: dict[int, bytes] = {}
        self.folder = folder
        self._wal = Wal(folder, sync_policy=SyncPolicy.NONE)
        self._append(self._genesis_logs())
        for _, raw in self._wal.replay():
            self._append(self._execute(raw) if raw else ())

    # ------------------------------------------------------------------------------ the port

    def heads(self) -> ChainHeads:
        number = len(self.mined)
        return ChainHeads(unsafe=number, posted=max(0, number - 5), final=max(0, number - 20))

    def block(self, number: int) -> ChainBlock | None:
        return self.mined[number - 1] if 0 < number <= len(self.mined) else None

    def blocks(self, first: int, last: int) -> list[ChainBlock]:
        return self.mined[first - 1 : last]

    def result(self, tx_hash: Hash32) -> TxResult | None:
        return self._results.get(tx_hash)

    def next_nonce(self) -> int:
        return self._nonce

    def submit(self, raw: bytes) -> None:
        nonce = decode_transaction(raw).nonce
        if nonce >= self._nonce:
            self._waiting.setdefault(nonce, raw)

    # ------------------------------------------------------------------------------ blocks

    def mine(self) -> None:
        """Make a block of the next transaction, or an empty one."""
        raw = self._waiting.pop(self._nonce, b"")
        self._wal.append(raw)
        self._append(self._execute(raw) if raw else ())

    def _append(self, logs: tuple[ChainLog, ...]) -> None:
        number = len(self.mined) + 1
        parent = self.mined[-1].hash if self.mined else _NO_HASH
        tx_hash = logs[0].tx_hash if logs else _NO_HASH
        self.mined.append(
            ChainBlock(
                number=number,
                hash=keccak256(parent + tx_hash + number.to_bytes(8, "big")),
                parent=parent,
                timestamp=START_S,
                logs=logs,
            )
        )

    def _execute(self, raw: bytes) -> tuple[ChainLog, ...]:
        transaction, tx_hash = decode_transaction(raw), keccak256(raw)
        assert transaction.nonce == self._nonce
        self._nonce += 1
        if transaction.to != CLEARING:
            return ()
        [payload] = abi_decode(["bytes"], transaction.data[4:])
        settled = settle_batch(self.state, decode(payload), self._separator)
        logs = tuple(
            ChainLog(log.address, log.topics, log.data, tx_hash) for log in _logs_of(self.state, settled)
        )
        self._results[tx_hash] = TxResult(
            block=len(self.mined) + 1, succeeded=True, gas_used=21_000, logs=logs
        )
        return logs

    def _genesis_logs(self) -> tuple[ChainLog, ...]:
        state = self.state
        feed = state.feeds[FEED]
        ages = feed.setting.max_age_s
        feed_event = "FeedChanged(uint32,(uint8,uint32,uint32[3]),address[])"
        logs = [
            event_log(PRICE_ORACLE, feed_event, [FEED], 1, feed.setting.max_jump_pips, *ages, 192, 0),
            event_log(
                PRICE_ORACLE,
                "PricePushed(uint32,uint256,uint64,uint256)",
                [FEED],
                feed.price_wad,
                feed.timestamp,
                1,
            ),
        ]
        for number, market in state.markets.items():
            terms, limits = market.terms, market.limits
            fields = (terms.feed, terms.kind, terms.expiry, terms.tick_wad, terms.lot_wad)
            values = [getattr(limits, name) for name in limits.__dataclass_fields__]
            price = market.mark_wad
            logs += [
                event_log(MARKETS, f"MarketListed(uint32,{_TERMS})", [number], *fields),
                event_log(MARKETS, f"LimitsChanged(uint32,{_LIMITS})", [number], *values),
                event_log(
                    MARKETS,
                    "MarketRefreshed(uint32,int256,int256,int256,int256,uint64)",
                    [number],
                    price,
                    price,
                    price,
                    0,
                    START_S,
                ),
            ]
        for trader in self.traders:
            id_, cash = trader.subaccount, state.subaccounts[SubaccountId(trader.subaccount)].cash_wad
            logs += [
                event_log(LEDGER, "SubaccountOpened(uint64,address,uint8)", [id_, trader.owner], 0),
                event_log(LEDGER, "CashMoved(uint64,uint64,int256,uint8)", [VAULT, id_], cash, 0),
            ]
        return tuple(logs)


def _logs_of(state: State, settled: Settlement) -> list[ChainLog]:
    """What the contracts would have said."""
    logs, markets = [], set()
    for number, fill in enumerate(settled.fills):
        if fill.reason is not Bust.NONE:
            logs.append(event_log(CLEARING, FILL_BUSTED, [number], fill.maker, fill.taker, fill.reason))
            continue
        markets.add(fill.market)
        logs.append(
            event_log(
                CLEARING,
                FILLED,
                [fill.market, fill.maker, fill.taker],
                fill.taker_size_wad,
                fill.price_wad,
                fill.maker_key,
                fill.taker_key,
                fill.maker_fee_wad,
                fill.taker_fee_wad,
            )
        )
    for change in settled.changes:
        account = state.subaccounts[change.id]
        for leg in change.legs:
            held = account.legs.get(leg.market, Position(0, 0))
            logs.append(
                event_log(
                    LEDGER, "PositionChanged(uint64,uint32,int256,int256)", [change.id, leg.market], *held
                )
            )
        logs.append(event_log(LEDGER, "CashChanged(uint64,int256)", [change.id], account.cash_wad))
    logs.append(event_log(LEDGER, "CashChanged(uint64,int256)", [FEES], state.subaccounts[FEES].cash_wad))
    for market in sorted(markets):
        interest = state.markets[MarketId(market)].open_interest_wad
        logs.append(event_log(LEDGER, "OpenInterestChanged(uint32,int256)", [market], interest))
    return logs
