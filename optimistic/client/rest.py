"""The REST side of the client; one call, one request."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

import httpx

from optimistic.client.commands import Commands
from optimistic.client.errors import Unreachable, error_of
from optimistic.client.keys import TradingKey
from optimistic.client.orders import Market
from optimistic.client.receipts import ReceiptLog
from optimistic.protocol.settlement.login import login_digest
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32

_TIMEOUT_S = 10
_PATHS: Final = {
    "place": "/v1/orders",
    "cancel": "/v1/orders/cancel",
    "cancelAll": "/v1/orders/cancel-all",
    "amend": "/v1/orders/amend",
    "deadMan": "/v1/orders/dead-man",
}


def signed_login(key: TradingKey, challenge: Mapping[str, Any], account: Address | None) -> dict[str, Any]:
    """Return the answer to a challenge; `account` is another one if `key` is a session key of it."""
    owner = key.address if account is None else account
    raw = Hash32(bytes.fromhex(str(challenge["challenge"]).removeprefix("0x")))
    digest = login_digest(int(challenge["chainId"]), owner, raw, int(challenge["expiresAt"]))
    return {
        "account": "0x" + owner.hex(),
        "challenge": challenge["challenge"],
        "expiresAt": challenge["expiresAt"],
        "signature": "0x" + key.sign(digest).hex(),
    }


class RestClient(Commands):
    """Talks to one exchange.

    Parameters
    ----------
    url : http(s) address, without the path
    client : another HTTP client, for tests
    """

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(base_url=url, timeout=_TIMEOUT_S)
        self.chain_id = 0
        """Of L2, once `markets` was asked."""
        self.receipt_signer = ZERO_ADDRESS
        """Who signs receipts, once `markets` was asked."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # ------------------------------------------------------------------------------ everybody

    def time_ms(self) -> int:
        """Return the exchange's clock."""
        return int(self.get("/v1/time")["timeMs"])

    def markets(self) -> dict[int, Market]:
        """Return the markets by number, and note the chain's id and who signs receipts.

        From then on receipts are checked, in memory unless `receipts` was set.
        """
        answer = self.get("/v1/markets")
        self.chain_id = int(answer["chainId"])
        self.receipt_signer = Address(bytes.fromhex(answer["receiptSigner"].removeprefix("0x")))
        if self.receipts is None:
            self.receipts = ReceiptLog(self.chain_id, self.receipt_signer)
        return {entry["market"]: Market.from_json(entry) for entry in answer["markets"]}

    def market_details(self) -> list[dict[str, Any]]:
        """Return the markets as the exchange describes them: limits, fees, prices."""
        found: list[dict[str, Any]] = self.get("/v1/markets")["markets"]
        return found

    def book(self, market: int, depth: int = 50) -> dict[str, Any]:
        """Return the best levels."""
        return self.get(f"/v1/markets/{market}/book", depth=depth)

    def status(self) -> dict[str, Any]:
        """Return how the exchange fares and what is closed."""
        return self.get("/v1/status")

    # ------------------------------------------------------------------------------ own

    def login(self, key: TradingKey, account: Address | None = None) -> None:
        """Log in as the owner of `key`, or with it as a session key of `account`."""
        challenge = self.post("/v1/sessions/challenge", {})
        session = self.post("/v1/sessions", signed_login(key, challenge, account))
        self._client.headers["authorization"] = f"Bearer {session['token']}"

    def orders(self, **which: Any) -> list[dict[str, Any]]:
        """Return own orders; `state="open"` leaves those out that are over."""
        found: list[dict[str, Any]] = self.get("/v1/orders", **which)["orders"]
        return found

    def order(self, order_id: int) -> dict[str, Any]:
        """Return one own order."""
        return self.get(f"/v1/orders/{order_id}")

    def fills(self, **which: Any) -> list[dict[str, Any]]:
        """Return own fills, newest first."""
        found: list[dict[str, Any]] = self.get("/v1/fills", **which)["fills"]
        return found

    def subaccounts(self) -> list[int]:
        """Return own subaccounts."""
        return [int(number) for number in self.get("/v1/subaccounts")["subaccounts"]]

    def positions(self, subaccount: int) -> list[dict[str, Any]]:
        """Return the positions of a subaccount."""
        found: list[dict[str, Any]] = self.get(f"/v1/subaccounts/{subaccount}/positions")["positions"]
        return found

    def margin(self, subaccount: int) -> dict[str, Any]:
        """Return why the margin is what it is."""
        return self.get(f"/v1/subaccounts/{subaccount}/margin")

    def deposits(self, subaccount: int) -> list[dict[str, Any]]:
        """Return deposits, newest first."""
        found: list[dict[str, Any]] = self.get(f"/v1/subaccounts/{subaccount}/deposits")["deposits"]
        return found

    def withdrawals(self, subaccount: int) -> list[dict[str, Any]]:
        """Return withdrawals, newest first."""
        found: list[dict[str, Any]] = self.get(f"/v1/subaccounts/{subaccount}/withdrawals")["withdrawals"]
        return found

    def withdrawable(
        self, subaccount: int, asset: Literal["cash", "ether"] = "cash", amount: int | None = None
    ) -> dict[str, Any]:
        """Return what may leave a subaccount now, and when an amount (token units, wei) could."""
        which = {"asset": asset} if amount is None else {"asset": asset, "amount": amount}
        return self.get(f"/v1/subaccounts/{subaccount}/withdrawable", **which)

    # ------------------------------------------------------------------------------ requests

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask; raises Refused, Busy or Unreachable."""
        return self._request("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a body; raises Refused, Busy or Unreachable."""
        return self._request("POST", path, json=body)

    def _command(self, op: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post(_PATHS[op], body)["results"]
        return found

    def _request(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        where = f"{method} {str(self._client.base_url).rstrip('/')}{path}"
        try:
            answer = self._client.request(method, path, **parts)
            body: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unreachable(f"{where}: {type(error).__name__} {error}") from error
        if answer.is_success:
            return body
        if not isinstance(body.get("error"), dict):
            raise Unreachable(f"{where}: HTTP {answer.status_code} without an error object")
        raise error_of(body["error"])
