"""Trade: look at a market, place an order in decimals, see it filled, ask how final the fill is."""

from typing import Any

from optimistic.client.keys import TradingKey
from optimistic.client.orders import OrderSigner, Side, Terms
from optimistic.client.quantities import Rounding
from optimistic.client.receipts import ReceiptLog
from optimistic.client.rest import RestClient


def trade(  # noqa: PLR0913 - one argument per thing a trader decides
    url: str, key: TradingKey, *, subaccount: int, market: int, side: Side, size: str, price: str
) -> dict[str, Any]:
    """Place one order and return the exchange's answer; its receipt was checked."""
    with RestClient(url) as client:
        found = client.markets()[market]
        now_ms = client.time_ms()
        terms = Terms(expiry_s=now_ms // 1_000 + 3_600, nonce=now_ms)
        signer = OrderSigner(key, client.chain_id, subaccount)
        order = signer.order(found, side, size, price, terms, Rounding.DOWN)
        (result,) = client.place([order])
        if result["status"] == "taken":
            ReceiptLog(client.chain_id, client.receipt_signer).check(result["receipt"])
        return result


def fills(url: str, key: TradingKey) -> list[dict[str, Any]]:
    """Return own fills: each is soft, posted or final."""
    with RestClient(url) as client:
        client.login(key)
        return client.fills()
