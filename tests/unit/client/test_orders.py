from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from optimistic.client.keys import BadKey, TradingKey
from optimistic.client.orders import Market, OrderSigner, Quote, Terms
from optimistic.client.quantities import NotAnAmount, Rounding, Steps
from optimistic.node.api.wire import signature_bytes
from optimistic.protocol.settlement.orders import Order, domain_separator, order_digest, order_typed_data
from optimistic.protocol.settlement.orders import Steps as MarketSteps
from optimistic.protocol.settlement.signatures import recover
from optimistic.protocol.settlement.types import MarketId, SubaccountId

KEY = TradingKey(bytes(31) + b"\x05")
MARKET = Market(
    number=3, steps=Steps(tick_wad=10**17, lot_wad=10**15), taker_fee_pips=500, maker_fee_pips=100
)
TERMS = Terms(expiry_s=2_000_000_000, nonce=9, reduce_only=True, time_in_force="ioc")


def as_signed(values: dict[str, Any]) -> Order:
    return Order(
        subaccount=SubaccountId(values["subaccount"]),
        market=MarketId(values["market"]),
        is_buy=values["side"] == "buy",
        lots=values["lots"],
        ticks=values["ticks"],
        max_fee_pips=values["maxFeePips"],
        expiry=values["expiry"],
        nonce=values["nonce"],
        flags=TERMS.flags,
    )


def test_order__signed__recovers_to_the_key_and_is_what_a_wallet_signs() -> None:
    values = OrderSigner(KEY, 42, 16).order(MARKET, "buy", "1.5", "1000.1", TERMS)

    order, steps = as_signed(values), MarketSteps(10**17, 10**15)
    digest = order_digest(domain_separator(42), order, steps)
    assert recover(digest, signature_bytes(values["signature"])) == KEY.address
    wallet = Account.from_key(bytes(31) + b"\x05")
    signed = wallet.sign_message(encode_typed_data(full_message=order_typed_data(42, order, steps)))
    assert signature_bytes("0x" + bytes(signed.signature).hex()) == signature_bytes(values["signature"])
    assert (values["lots"], values["ticks"], values["maxFeePips"]) == (1_500, 10_001, 500)


def test_order__rounding_down__never_risks_more_than_asked() -> None:
    signer = OrderSigner(KEY, 42, 16)

    buy = signer.order(MARKET, "buy", "1.5009", "1000.19", TERMS, Rounding.DOWN)
    sell = signer.order(MARKET, "sell", "1.5009", "1000.11", TERMS, Rounding.DOWN)

    assert (buy["lots"], buy["ticks"]) == (1_500, 10_001)
    assert (sell["lots"], sell["ticks"]) == (1_500, 10_002)
    with pytest.raises(NotAnAmount):
        signer.order(MARKET, "buy", "1.5009", "1000.1", TERMS)


@pytest.mark.parametrize(("size", "price"), [("0", "1000"), ("-1", "1000"), ("1", "0"), ("1", "-0.1")])
def test_order__of_nothing__is_refused(size: str, price: str) -> None:
    with pytest.raises(NotAnAmount, match="less than an order can be"):
        OrderSigner(KEY, 42, 16).order(MARKET, "sell", size, price, TERMS)


def test_quotes__one_signature__has_all_leaves() -> None:
    quotes = [Quote("buy", 1, 10), Quote("sell", 2, 12)]

    tree = OrderSigner(KEY, 42, 16).quotes(MARKET, quotes, Terms(expiry_s=1, nonce=1, post_only="reject"))

    assert tree["quotes"] == [
        {"side": "buy", "lots": 1, "ticks": 10},
        {"side": "sell", "lots": 2, "ticks": 12},
    ]
    assert tree["postOnly"]


def test_key__bad__is_never_shown() -> None:
    with pytest.raises(BadKey) as caught:
        TradingKey(b"\xab" * 31)

    assert "abab" not in str(caught.value)
    assert "ab" * 16 not in repr(TradingKey(b"\xab" * 32))
