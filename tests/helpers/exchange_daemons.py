"""An exchange of processes on anvil: aggregator, price signers, market maker, keeper, book reporter."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx

from optimistic.cli import devnet_market
from optimistic.client.keys import TradingKey
from optimistic.protocol.engine import Log
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement import events
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import FeedId, MarketId
from optimistic.protocol.types import Address
from optimistic.service.deployer import deploy_dev_token
from optimistic.service.files import replace_json
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call, LogFilter
from optimistic.service.settlement_contracts import PriceOracle
from optimistic.service.settlement_section import DEV_CASH, SettlementRoles
from optimistic.service.signer import Signer
from scripts.staging.contract_views import call_data
from tests.helpers.daemons import DEPLOYER, USER, Daemon, RollupOnAnvil, wait_for

EXCHANGE, MAKER, KEEPER, TRADER, PUSHER = 4, 6, 7, 8, 9
"""Development keys; the governor is the user."""
MARKET: Final = MarketId(1)
_ETHER: Final = 10**18


class PriceServer:
    """Says over HTTP what the story wants something to cost."""

    def __init__(self, price: str) -> None:
        self.price = price
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"data": [{"last": owner.price}]}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ticker"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class ExchangeOnAnvil(RollupOnAnvil):
    """A rollup whose aggregator runs an exchange with the market of a devnet.

    Parameters
    ----------
    folder, changes : see RollupOnAnvil
    """

    def __init__(self, folder: Path, **changes: int) -> None:
        super().__init__(folder, **changes)
        self.rpc_port, self.api_port, *self._health_ports = _free_ports(6)
        self.l2_url = f"http://127.0.0.1:{self.rpc_port}"
        self.api_url = f"http://127.0.0.1:{self.api_port}"
        self.prices = PriceServer("60000")
        self._stack.callback(self.prices.close)
        self.on_l2 = ["--l2-rpc-url", self.l2_url]
        self.on_api = ["--api-url", self.api_url]

    def settlement_roles(self) -> SettlementRoles:
        """Cash is a token that anybody may mint; the user governs."""
        token = deploy_dev_token(self.l1, self.signers[DEPLOYER])
        return SettlementRoles(token=token, owner=self.signers[USER].address)

    @property
    def node(self) -> L1Client:
        """A client of the aggregator, once it answers."""
        return wait_for(lambda: L1Client.connect(self.l2_url, timeout_ms=5_000), "the aggregator's JSON-RPC")

    # ------------------------------------------------------------------------------ daemons

    def exchange(self) -> Daemon:
        """Return the aggregator with its exchange, on ports that outlive it."""
        key_file = self.folder / "exchange.key"
        key_file.write_text(self.keys[EXCHANGE].hex())
        ports = ["--rpc-port", str(self.rpc_port), "--api-port", str(self.api_port)]
        return self.aggregator(*ports, "--exchange-key-file", str(key_file))

    def price_signers(self) -> list[Daemon]:
        """Return two signers of the server's price, the second of which pushes, and one of a file's."""
        bars = self.folder / "bars.csv"
        bars.write_text("timestamp,close\n0,60000\n60,60000\n")
        keys = devnet_market.trading_keys()
        server = ["--price-url", self.prices.url, "--price-path", "data.0.last"]
        ports = self._health_ports[:3]
        sources = (["--csv", str(bars)], server, server)
        others = [part for port in ports[:2] for part in ("--peer", f"http://127.0.0.1:{port}/health")]
        chain = ["--l2-chain-id", str(self.deployment.params.l2_chain_id)]
        seats = ((3, chain), (2, chain), (1, ["--push", *self.on_l2, *others]))
        return [
            self._agent(
                f"price-signer-{number}",
                keys[f"signer-{number}"],
                ["price-signer", "--feed", "1", *source, *more, "--health-port", str(port)],
            )
            for (number, more), source, port in zip(seats, sources, ports, strict=True)
        ]

    def market_maker(self, subaccount: int) -> Daemon:
        """Return a market maker that quotes a contract a level."""
        size = ["--levels", "3", "--lots", "1000", "--max-lots", "20000", "--interval", "2s"]
        whose = ["--subaccount", str(subaccount), "--market", str(MARKET)]
        return self._agent("market-maker", self.keys[MAKER], ["market-maker", *self.on_api, *whose, *size])

    def book_reporter(self) -> Daemon:
        """Return the reporter of the market's book."""
        where = [*self.on_api, *self.on_l2, "--market", str(MARKET), "--pause", "2s"]
        secret = devnet_market.trading_keys()["reporter"]
        return self._agent("book-reporter", secret, ["book-reporter", *where])

    def keeper(self, subaccount: int) -> Daemon:
        """Return a keeper; its health endpoint tells what it did."""
        where = [*self.on_l2, "--subaccount", str(subaccount), "--health-port", str(self._health_ports[3])]
        return self._agent("keeper", self.keys[KEEPER], ["keeper", *where])

    def keeper_health(self) -> dict[str, Any]:
        """Return what the keeper says about its last turn."""
        answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self._health_ports[3]}/health").json()
        return answer

    def _agent(self, name: str, secret: bytes, arguments: list[str]) -> Daemon:
        return self.process(name, ["optimistic", *arguments], secret)

    # ------------------------------------------------------------------------------ set-up

    def open_market(self) -> None:
        """Pay those who act on L2, and let the governor open the market and seal."""
        payees = {key: self.signers[key].address for key in (EXCHANGE, MAKER, KEEPER, TRADER, PUSHER, USER)}
        payees[DEPLOYER] = Signer(devnet_market.trading_keys()["reporter"]).address
        with ThreadPoolExecutor(len(payees)) as pool:
            list(pool.map(self._bring_ether, payees, payees.values()))
        path = self.folder / "markets.json"
        replace_json(path, devnet_market.opening().to_json())
        done = self.cli("optimistic", "market", "open", str(path), "--seal", *self.on_l2)
        assert done["isSealed"]

    def _bring_ether(self, payer: int, account: Address) -> None:
        call = self.bridge.deposit_call(to=account, value=10 * _ETHER, gas_limit=21_000)
        self.send_l1(call, payer)
        wait_for(lambda: self.node.balance_wei(account, "latest"), "ether on L2")

    def pay_in(self, tokens: dict[int, int]) -> dict[int, int]:
        """Let accounts mint and deposit tokens with the command line; return their subaccounts."""
        with ThreadPoolExecutor(len(tokens)) as pool:
            return dict(zip(tokens, pool.map(self._pay_in, tokens, tokens.values()), strict=True))

    def _pay_in(self, key: int, tokens: int) -> int:
        for word in ("mint", "deposit"):
            self.cli("optimistic", "cash", word, str(tokens), *self.on_l1, key=key)

        def opened() -> list[int]:
            found: list[int] = self.cli("optimistic", "order", "subaccounts", *self.on_api, key=key)[
                "subaccounts"
            ]
            return found

        (number,) = wait_for(opened, "the subaccount")
        return number

    # ------------------------------------------------------------------------------ what is there

    def await_price(self) -> None:
        """Wait for a price that is newer than now."""
        oracle, head = PriceOracle.of(self.node), self.node.head()
        wait_for(lambda: oracle.feed(FeedId(1), "latest").timestamp > head.timestamp, "a new price")

    def trading_key(self, key: int) -> TradingKey:
        """Return a development key as a trader's."""
        return TradingKey(self.keys[key])

    def tokens_on_l1(self, key: int) -> int:
        """Return what an account holds of the token on L1, in its units."""
        balance = call_data(DEV_CASH, "balanceOf", self.signers[key].address)
        call = Call(to=self.deployment.settlement.token, data=balance)
        return int.from_bytes(self.l1.call(call, "latest"), "big")

    def settlement_state(self) -> State:
        """Return the state of settlement that the logs of L2 tell, up to the head."""
        node = self.node
        head = node.head().number
        times: dict[int, int] = {}
        told = []
        for log in node.logs(LogFilter(addresses=tuple(SETTLEMENT_CONTRACTS.values())), 0, head):
            number = log.block_number
            if number not in times:
                times[number] = node.header(number).timestamp
            told.append((times[number], Log(address=log.address, topics=log.topics, data=log.data)))
        return events.rebuild(told)


def _free_ports(count: int) -> list[int]:
    """Return ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
