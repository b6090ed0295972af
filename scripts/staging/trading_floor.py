"""A market on the stage: governed, priced, with an exchange in front and traders who paid in from L1."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from optimistic.client.keys import TradingKey
from optimistic.node.chain_records import Receipt
from optimistic.node.exchange.exchange import Around
from optimistic.node.exchange.house import ExchangeHouse, ExchangeKeys
from optimistic.node.exchange.node_chain import NodeChain
from optimistic.node.exchange.options import ExchangeOptions, SettlementOptions
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.protocol.engine import Log
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement import events, oracle
from optimistic.protocol.settlement.orders import domain_separator
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import (
    FeedId,
    MarketId,
    MarketKind,
    SubaccountId,
    Terms,
)
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import Address, Hash32
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_section import DEV_CASH, GATEWAY
from optimistic.service.signer import Signer
from scripts.staging.contract_views import Views, call_data
from scripts.staging.market_terms import FEED as FEED_SETTING
from scripts.staging.market_terms import LIMITS, QUORUM, SIGNERS, STEPS, collateral
from scripts.staging.world import OWNER_KEY, USER_KEY, World

FEED: Final = FeedId(1)
MARKET: Final = MarketId(1)
NEW_SUBACCOUNT: Final = SubaccountId(0)
TOKEN: Final = 10**6
ETHER: Final = 10**18
_SIGNERS: Final = tuple(TradingKey(keccak256(b"price signer %d" % n)) for n in range(SIGNERS))
_EXCHANGE: Final = ExchangeOptions(settlement=SettlementOptions(max_age_ms=0, resend_ms=0))


@dataclass(slots=True)
class Trader:
    """Somebody with one key for everything, and a subaccount."""

    signer: Signer
    key: TradingKey
    secret: bytes
    subaccount: SubaccountId = NEW_SUBACCOUNT
    nonce: int = 0
    """Of the last order."""

    @property
    def address(self) -> Address:
        """The account on both chains."""
        return self.key.address


class TradingFloor:
    """Markets on L2, and the exchange that matches for them.

    Parameters
    ----------
    world : with a running aggregator
    start_wad : first price of the index
    """

    def __init__(self, world: World, start_wad: int) -> None:
        self._world = world
        self._owner = world.l1.keys[OWNER_KEY]
        self._operator = Signer(keccak256(b"settlement operator"))
        self._separator = domain_separator(world.deployment.params.l2_chain_id)
        self.price_wad = start_wad
        self._pay_ether([world.signers[OWNER_KEY].address, self._operator.address], ETHER)
        self._set_up()
        self.push(start_wad)
        chain = NodeChain(world.node.store, world.node.head_state, world.node.gateway, self._operator.address)
        keys = ExchangeKeys(
            receipts=ReceiptSigner(keccak256(b"receipts"), world.deployment.params.l2_chain_id),
            settlement=self._operator,
        )
        self.house = ExchangeHouse(
            world.folder / "exchange", chain, keys, _EXCHANGE, Around(clock=world.clock)
        )

    def close(self) -> None:
        """Release the log of the exchange."""
        self.house.close()

    # ------------------------------------------------------------------------------ set-up

    def _set_up(self) -> None:
        """Let the owner open the market, and seal: from then on parameters wait behind a timelock."""
        owner = self._world.signers[OWNER_KEY].address
        terms = Terms(feed=FEED, kind=MarketKind.PERPETUAL, expiry=0, **STEPS._asdict())
        signers = sorted(key.address for key in _SIGNERS)
        calls: list[tuple[str, str, tuple[Any, ...]]] = [
            ("PriceOracle", "setFeed", (FEED, FEED_SETTING, signers)),
            ("Markets", "setReporter", (owner,)),
            ("Markets", "list", (astuple(terms), astuple(LIMITS))),
            ("InsuranceFund", "setBackstop", (MARKET, 1_000_000 * WAD)),
            ("Collateral", "setSettings", (astuple(collateral(FeedId(0), ether_cap_wei=0)),)),
        ]
        sent = [
            self.send(
                self._owner,
                "RiskGovernor",
                "setUp",
                SETTLEMENT_CONTRACTS[contract],
                call_data(contract, name, *arguments),
            )
            for contract, name, arguments in calls
        ]
        self.wait([*sent, self.send(self._owner, "RiskGovernor", "seal")])

    def pay_in(self, names: Sequence[str], tokens: int) -> list[Trader]:
        """Let newcomers lock so many tokens each in the gateway; return them when L2 knows them."""
        traders = []
        for name in names:
            secret = keccak256(name.encode())
            traders.append(Trader(Signer(secret), TradingKey(secret), secret))
        self._pay_ether([trader.address for trader in traders], ETHER // 10)
        settlement, units = self._world.deployment.settlement, tokens * TOKEN
        for trader in traders:
            minted = call_data(DEV_CASH, "mint", trader.address, units)
            self._world.send_l1(USER_KEY, Call(to=settlement.token, data=minted))
            sender = OneShotSender(self._world.client, trader.signer, clock=self._world.clock)
            approved = call_data(DEV_CASH, "approve", settlement.gateway, units)
            sender.send(Call(to=settlement.token, data=approved))
            sender.send(Call(to=settlement.gateway, data=call_data(GATEWAY, "deposit", 0, units)))
        self._world.turn_until(lambda: self._have_opened(traders), "the deposits of the traders")
        return traders

    def _have_opened(self, traders: Sequence[Trader]) -> bool:
        ids = {account.owner: id_ for id_, account in self.state().subaccounts.items()}
        for trader in traders:
            trader.subaccount = ids.get(trader.address, SubaccountId(0))
        return all(trader.subaccount for trader in traders)

    def _pay_ether(self, accounts: Sequence[Address], wei: int) -> None:
        """Give accounts ether on L1, and as much on L2."""
        for account in accounts:
            self._world.send_l1(USER_KEY, Call(to=account, data=b"", value_wei=wei))
            call = self._world.bridge.deposit_call(to=account, value=wei, gas_limit=21_000)
            self._world.send_l1(USER_KEY, call)
        node = self._world.node
        self._world.turn_until(
            lambda: all(node.head_state.account(account).balance >= wei for account in accounts),
            "the ether on L2",
        )

    # ------------------------------------------------------------------------------ time and prices

    def push(self, price_wad: int) -> None:
        """Have the signers see a price, and the market follow it."""
        self.price_wad = price_wad // STEPS.tick_wad * STEPS.tick_wad
        at = self._world.node.chain.head.timestamp
        chain_id = self._world.deployment.params.l2_chain_id
        digest = oracle.observation_digest(oracle.domain_separator(chain_id), FEED, self.price_wad, at)
        keys = sorted(_SIGNERS, key=lambda key: key.address)[:QUORUM]
        seen = [(self.price_wad, at, key.sign_long(digest)) for key in keys]
        sent = [
            self.send(self._owner, "PriceOracle", "push", FEED, seen),
            self.send(self._owner, "Markets", "refresh", MARKET),
        ]
        self.wait(sent)

    def report(self, premium_pips: int) -> None:
        """Report a book that stands so far above the index."""
        middle = self.price_wad + self.price_wad * premium_pips // 10**6
        quantum = STEPS.tick_wad
        bid, ask = middle // quantum * quantum - quantum, middle // quantum * quantum + quantum
        at = self._world.node.chain.head.timestamp
        book = (bid, ask, bid, ask, 1_000_000 * WAD, at)
        self.wait([self.send(self._owner, "Markets", "reportBook", MARKET, book)])

    def turn(self, times: int = 1) -> None:
        """Let the exchange and the world take turns."""
        for _ in range(times):
            self.house.turn()
            self._world.turn()
        self.house.turn()

    # ------------------------------------------------------------------------------ L2

    def send(self, secret: bytes, contract: str, name: str, *arguments: Any) -> Hash32:
        """Call a contract of settlement; return the hash of the transaction."""
        signer = TradingKey(secret).address
        node = self._world.node
        return self._world.send_l2(
            secret,
            node.gateway.next_nonce(signer),
            to=SETTLEMENT_CONTRACTS[contract],
            gas=3_000_000,
            data=call_data(contract, name, *arguments),
        )

    def wait(self, sent: Sequence[Hash32]) -> list[Receipt]:
        """Wait for transactions that must succeed; return their receipts."""
        store = self._world.node.store
        self._world.turn_until(lambda: all(store.receipt(h) is not None for h in sent), "the L2 receipts")
        receipts = [receipt for h in sent if (receipt := store.receipt(h)) is not None]
        failed = [receipt for receipt in receipts if receipt.status != 1]
        if failed:
            raise RuntimeError(f"{len(failed)} transactions of the floor failed")
        return receipts

    def read(self, contract: str, name: str, *arguments: Any) -> Any:
        """Return what a view answers at the head; alone if it is one value."""
        views = Views.at_head(self._world.node, self._world.deployment.params)
        return views.read(contract, name, *arguments)

    def logs(self) -> Iterator[tuple[int, Log]]:
        """Yield all logs of L2 with the times of their blocks."""
        store = self._world.node.store
        for number in range(1, store.heads().unsafe.number + 1):
            for receipt in store.receipts(number):
                for log in receipt.logs:
                    yield log.block_timestamp, Log(address=log.address, topics=log.topics, data=log.data)

    def state(self) -> State:
        """Return the state of settlement that the logs describe."""
        return events.rebuild(self.logs())

    @property
    def separator(self) -> Hash32:
        """What orders for this chain are signed under."""
        return self._separator
