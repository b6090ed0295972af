"""The exchange's API on loopback: every operation, every refusal with its fix, overload and recovery."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from optimistic.agents.market_maker import Ladder, MarketMaker
from optimistic.client.book import BookCopy
from optimistic.client.errors import Busy, Refused
from optimistic.client.orders import Quote, Terms
from optimistic.client.rest import signed_login
from optimistic.client.stream import Stream
from optimistic.node.api.options import ApiLimits
from optimistic.node.exchange.receipts import Receipt, ReceiptDomain, SignedReceipt
from optimistic.protocol.types import Hash32
from optimistic.service.clock import SystemClock
from tests.helpers.api_stage import (
    ALICE,
    ALICE_SUBACCOUNT,
    EXPIRY_S,
    MALLORY,
    MARKET_1,
    ApiStage,
    Trader,
    api_stage,
)
from tests.helpers.fake_exchange import CHAIN_ID, MARKET, NOW_MS


@pytest.fixture(scope="module")
def stage() -> Iterator[ApiStage]:
    with api_stage() as running:
        yield running


@pytest.fixture
def fresh() -> Iterator[ApiStage]:
    with api_stage() as running:
        yield running


def until(stream: Any, kind: str) -> dict[str, Any]:
    """The next message of a type."""
    while (message := stream.next_message())["type"] != kind:
        pass
    return dict(message)


def read_all(connection: ClientConnection) -> None:
    """Read until the connection ends."""
    while True:
        connection.recv(timeout=10)


def log_in(connection: ClientConnection, trader: Trader) -> None:
    """Log a bare connection in."""
    connection.send(json.dumps({"op": "challenge"}))
    challenge = json.loads(connection.recv(timeout=10))
    connection.send(json.dumps({"op": "login", **signed_login(trader.key, challenge, None)}))
    assert json.loads(connection.recv(timeout=10))["type"] == "login"


def code_of(stream: Stream, channel: str) -> str:
    """How a subscription is answered."""
    try:
        stream.request("subscribe", channel=channel)
    except (Refused, Busy) as error:
        return error.code
    return "ok"


# ---------------------------------------------------------------------------------- reading


def test_markets__anybody__learns_steps_limits_and_fees(stage: ApiStage) -> None:
    client = stage.rest()

    (market,) = client.market_details()

    assert market["tickWad"] == str(10**17)
    assert market["lotWad"] == str(10**15)
    assert (market["priceQuantumWad"], market["sizeQuantumWad"]) == (str(10**6), str(10**12))
    assert (market["takerFeePips"], market["limits"]["initialPips"]) == (500, 50_000)
    assert client.markets()[MARKET].steps.ticks("1000.1") == 10_001
    assert client.chain_id == CHAIN_ID
    assert abs(client.time_ms() - time.time() * 1_000) < 60_000


def test_status__closed_gate__says_why_and_until_when(stage: ApiStage) -> None:
    (gate,) = stage.rest().status()["gates"]

    assert gate["name"] == "withdrawals"
    assert not gate["isOpen"]
    assert gate["reason"] == "hourly limit is used up"
    assert gate["opensAt"] > 0


def test_margin__explained__names_the_worst_line(stage: ApiStage) -> None:
    margin = stage.rest(stage.alice).margin(ALICE_SUBACCOUNT)

    assert margin["worstMarket"] == 2
    assert margin["healthPips"] == 2_000_000
    assert margin["freeWad"] == str(75 * 10**18)
    assert [line["market"] for line in margin["lines"]] == [1, 2]
    assert margin["withdrawableWad"] == str(42 * 10**18)


def test_money__own_subaccount__deposits_and_withdrawals_have_a_status(stage: ApiStage) -> None:
    client = stage.rest(stage.alice)

    assert client.subaccounts() == [ALICE_SUBACCOUNT]
    assert client.deposits(ALICE_SUBACCOUNT)[0]["finality"] == "soft"
    assert client.withdrawals(ALICE_SUBACCOUNT)[0]["status"] == "pending"
    assert len(client.positions(ALICE_SUBACCOUNT)) == 2


def test_withdrawable__asset_and_amount__says_how_much_why_no_more_and_when(stage: ApiStage) -> None:
    client = stage.rest(stage.alice)

    cash = client.withdrawable(ALICE_SUBACCOUNT, amount=3 * 10**6)
    ether = client.withdrawable(ALICE_SUBACCOUNT, "ether")

    assert (cash["most"], cash["atOnce"], cash["amount"]) == ("42000000", "2000000", "3000000")
    assert cash["readyAt"] == NOW_MS // 1_000 + 360
    assert (ether["most"], ether["reason"]) == (str(42 * 10**18), "margin needs the rest")
    assert client.withdrawable(ALICE_SUBACCOUNT, amount=10**9)["readyAt"] is None
    with pytest.raises(Refused, match="not_authorised"):
        stage.rest(stage.bob).withdrawable(ALICE_SUBACCOUNT)


# ---------------------------------------------------------------------------------- refusals


def test_error__path_or_body_wrong__has_a_code_and_a_fix(stage: ApiStage) -> None:
    with httpx.Client(base_url=stage.url) as client:
        answers = [
            client.get("/v1/nowhere"),
            client.get("/v1/markets/7"),
            client.get("/v1/markets/x/book"),
            client.get("/v1/orders"),
            client.get("/v1/orders", headers={"authorization": "Bearer nobody"}),
            client.post("/v1/orders", content=b"{"),
            client.post("/v1/orders", json={"orders": [], "colour": "red"}),
            client.post("/v1/orders", json={"orders": []}),
            client.post("/v1/orders", content=b" " * 300_000),
        ]

    assert [answer.status_code for answer in answers] == [404, 404, 400, 401, 401, 400, 400, 400, 413]
    for answer in answers:
        error = answer.json()["error"]
        assert error["code"]
        assert error["message"]
        assert error["fix"]


def test_signature__of_somebody_else__gives_recovered_address_and_hash(stage: ApiStage) -> None:
    forger = Trader(MALLORY, ALICE_SUBACCOUNT)

    (result,) = stage.rest().place([forger.order("buy", 1, 1)])

    assert result["status"] == "refused"
    assert result["error"]["code"] == "bad_signature"
    assert result["error"]["recovered"] == "0x" + MALLORY.address.hex()
    assert len(result["error"]["typedDataHash"]) == 66
    assert "session key" in result["error"]["fix"]


def test_signature__of_a_session_key__is_taken(fresh: ApiStage) -> None:
    fresh.exchange.session_keys[ALICE.address, MALLORY.address] = 0

    (result,) = fresh.rest().place([Trader(MALLORY, ALICE_SUBACCOUNT).order("buy", 1, 1)])

    assert result["status"] == "taken"


def test_login__session_key__speaks_for_its_owner(fresh: ApiStage) -> None:
    fresh.exchange.session_keys[ALICE.address, MALLORY.address] = 0
    client = fresh.rest()

    client.login(MALLORY, account=ALICE.address)

    assert client.subaccounts() == [ALICE_SUBACCOUNT]


def test_login__stranger__is_refused_with_the_recovered_address(stage: ApiStage) -> None:
    with pytest.raises(Refused) as refused:
        stage.rest().login(MALLORY, account=ALICE.address)

    assert refused.value.code == "bad_signature"
    assert refused.value.body["recovered"] == "0x" + MALLORY.address.hex()


def test_subaccount__of_somebody_else__is_not_shown(stage: ApiStage) -> None:
    with pytest.raises(Refused) as refused:
        stage.rest(stage.bob).margin(ALICE_SUBACCOUNT)

    assert refused.value.code == "not_authorised"


def test_attack__challenge_used_twice__is_refused(stage: ApiStage) -> None:
    client = stage.rest()
    login = signed_login(ALICE, client.post("/v1/sessions/challenge", {}), None)
    client.post("/v1/sessions", login)

    with pytest.raises(Refused) as refused:
        client.post("/v1/sessions", login)

    assert refused.value.code == "challenge_expired"


def test_attack__challenge_of_ones_own__is_refused(stage: ApiStage) -> None:
    made_up = {"challenge": "0x" + "11" * 32, "expiresAt": int(time.time()) + 60, "chainId": CHAIN_ID}

    with pytest.raises(Refused) as refused:
        stage.rest().post("/v1/sessions", signed_login(ALICE, made_up, None))

    assert refused.value.code == "challenge_expired"


# ---------------------------------------------------------------------------------- orders


def test_order__placed_filled_and_settled__ends_with_a_reason_and_grows_final(fresh: ApiStage) -> None:
    alice, bob = fresh.rest(fresh.alice), fresh.rest(fresh.bob)

    (resting,) = alice.place([fresh.alice.order("sell", 5, 1_000, client_id="a-1")])
    (taking,) = bob.place([fresh.bob.order("buy", 5, 1_000)])

    assert alice.order(resting["orderId"])["reason"] == "filled"
    (fill,) = bob.fills()
    assert (fill["role"], fill["side"], fill["lots"], fill["finality"]) == ("taker", "buy", 5, "soft")
    assert fill["orderId"] == taking["orderId"]
    fresh.exchange.settle(block=7)
    assert alice.fills()[0]["finality"] == "soft"
    assert alice.fills()[0]["feeWad"] == "7"
    fresh.exchange.move_heads(posted=7, final=6)
    assert alice.fills()[0]["finality"] == "posted"
    fresh.exchange.move_heads(posted=8, final=7)
    assert bob.fills()[0]["finality"] == "final"


def test_order__cancelled__is_listed_with_its_reason(fresh: ApiStage) -> None:
    client = fresh.rest(fresh.alice)
    (result,) = client.place([fresh.alice.order("buy", 2, 500, client_id="mine")])
    assert client.orders(state="open")[0]["clientId"] == "mine"

    (cancelled,) = client.cancel([result["orderId"]])
    (again,) = client.cancel([result["orderId"]])

    assert (cancelled["orderId"], cancelled["cancelled"]) == (result["orderId"], 1)
    assert again["error"]["code"] == "unknown_order"
    assert client.orders(state="open") == []
    (over,) = client.orders()
    assert (over["state"], over["reason"], over["lotsLeft"]) == ("over", "cancelled", 2)


def test_order__turned_away_by_the_book__says_so_at_once(fresh: ApiStage) -> None:
    client = fresh.rest()
    client.place([fresh.alice.order("sell", 1, 1_000)])

    (result,) = client.place([fresh.bob.order("buy", 1, 1_000, post_only="reject")])

    assert result["status"] == "taken"
    assert result["over"] == "post_only_would_take"


def test_amend__lots_and_replacement__keep_one_order(fresh: ApiStage) -> None:
    client = fresh.rest(fresh.alice)
    (result,) = client.place([fresh.alice.order("buy", 9, 500)])
    name = {"orderId": result["orderId"]}

    client.post("/v1/orders/amend", {"amendments": [{"order": name, "lots": 4}]})
    assert client.order(result["orderId"])["lotsLeft"] == 4
    replacement = fresh.alice.order("buy", 3, 501)
    client.post("/v1/orders/amend", {"amendments": [{"order": name, "replacement": replacement}]})

    (order,) = client.orders(state="open")
    assert (order["ticks"], order["lotsLeft"]) == (501, 3)
    with pytest.raises(Refused, match="lots or replacement"):
        client.post("/v1/orders/amend", {"amendments": [{"order": name}]})


def test_receipts__of_a_frame__are_signed_and_chained(fresh: ApiStage) -> None:
    results = fresh.stream().place([fresh.alice.order("buy", 1, 100 + i) for i in range(5)])

    receipts = [result["receipt"] for result in results]
    domain, previous = ReceiptDomain(CHAIN_ID), bytes(32)
    for values in receipts:
        raw = {key: bytes.fromhex(values[key][2:]) for key in ("orderHash", "prev", "signature")}
        receipt = Receipt(Hash32(raw["orderHash"]), values["seq"], Hash32(raw["prev"]), values["tsMs"])
        assert raw["prev"] == previous
        assert domain.signer(SignedReceipt(receipt, raw["signature"])) == fresh.exchange.signer.address
        previous = receipt.hash


def test_quotes__one_signature__places_the_whole_tree(fresh: ApiStage) -> None:
    quotes = [Quote("buy", 1, 990 - i) for i in range(10)] + [Quote("sell", 1, 1_010 + i) for i in range(10)]
    tree = fresh.alice.signer.quotes(MARKET_1, quotes, Terms(expiry_s=EXPIRY_S, nonce=1, post_only="reject"))

    (result,) = fresh.rest().place([], [tree])

    assert len(result["orderIds"]) == 20
    book = fresh.rest().book(MARKET)
    assert book["bids"][0] == [990, 1]
    assert len(book["asks"]) == 10


def test_frame__too_many_orders__is_refused_whole(stage: ApiStage) -> None:
    orders = [stage.alice.order("buy", 1, 100)] * 101

    with pytest.raises(Refused) as refused:
        stage.stream().place(orders)

    assert refused.value.code == "too_large"


def test_frames__sent_without_waiting__are_decided_in_order(fresh: ApiStage) -> None:
    stream = fresh.stream(fresh.alice)
    orders = [fresh.alice.order("buy", 1, 100 + i) for i in range(50)]

    numbers = [stream.send("place", orders=[order]) for order in orders]
    numbers.append(stream.send("cancelAll"))

    answers: dict[int, dict[str, Any]] = {}
    while len(answers) < len(numbers):
        message = stream.next_message()
        answers[message["id"]] = message["results"][0]
    sequences = [answers[number]["seq"] for number in numbers]
    assert sequences == sorted(sequences)
    assert answers[numbers[-1]]["cancelled"] == 50
    assert max(fresh.exchange.decisions) >= 1


def test_disconnect__bound_orders__are_cancelled(fresh: ApiStage) -> None:
    stream = fresh.stream(fresh.alice)
    stream.request("place", orders=[fresh.alice.order("buy", 1, 10)], cancelOnDisconnect=True)
    stream.request("place", orders=[fresh.alice.order("buy", 1, 11)])

    stream.close()

    client = fresh.rest(fresh.alice)
    deadline_s = time.monotonic() + 10
    while len(client.orders(state="open")) > 1:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    assert client.orders(state="open")[0]["ticks"] == 11


# ---------------------------------------------------------------------------------- streams


def test_book__followed_through_changes__equals_the_reference(fresh: ApiStage) -> None:
    stream, client = fresh.stream(), fresh.rest()
    stream.subscribe_book(MARKET)

    for i in range(30):
        client.place([fresh.alice.order("buy", 1 + i % 4, 900 + i % 7), fresh.bob.order("sell", 2, 905 + i)])
        until(stream, "book")

    reference = tuple(list(side.depth(100)) for side in fresh.exchange.engine.sides)
    assert stream.books[MARKET].best(100) == reference
    assert client.book(MARKET)["sequence"] == stream.books[MARKET].sequence


def test_book__message_lost__is_noticed_and_fetched_anew(fresh: ApiStage) -> None:
    stream, client = fresh.stream(), fresh.rest()
    stream.subscribe_book(MARKET)
    client.place([fresh.alice.order("buy", 1, 900)])
    until(stream, "book")
    client.place([fresh.alice.order("buy", 1, 901)])
    json.loads(stream._connection.recv(timeout=10))  # lost on the way
    client.place([fresh.alice.order("buy", 1, 902)])

    message = stream.next_message()

    assert message["type"] == "book_snapshot"
    assert stream.books[MARKET].best()[0] == [(902, 1), (901, 1), (900, 1)]


def test_book__wrong_level__has_another_checksum(fresh: ApiStage) -> None:
    fresh.rest().place([fresh.alice.order("buy", 1, 900)])
    snapshot = fresh.rest().book(MARKET)
    snapshot["bids"] = [[900, 2]]

    with pytest.raises(Exception, match="checksum"):
        BookCopy(snapshot)


def test_trades__stream_and_page__tell_the_same(fresh: ApiStage) -> None:
    stream, client = fresh.stream(), fresh.rest()
    stream.request("subscribe", channel=f"trades:{MARKET}")

    client.place([fresh.alice.order("sell", 3, 1_000), fresh.bob.order("buy", 3, 1_000)])

    message = until(stream, "trades")
    page = client.get(f"/v1/markets/{MARKET}/trades")
    assert message["trades"] == page["trades"]
    assert message["trades"][0]["side"] == "buy"


def test_drop_copy__connection_lost__is_replayed_from_the_last_sequence(fresh: ApiStage) -> None:
    stream, client = fresh.stream(fresh.alice), fresh.rest()
    stream.subscribe_account()
    client.place([fresh.alice.order("sell", 3, 1_000, client_id="x")])
    first = until(stream, "account")
    seen = stream.account_sequence
    stream.close()
    client.place([fresh.bob.order("buy", 1, 1_000)])
    client.place([fresh.bob.order("buy", 2, 1_000)])

    back = fresh.stream(fresh.alice)
    back.subscribe_account(after=seen)
    messages = [until(back, "account") for _ in range(2)]
    client.place([fresh.alice.order("buy", 1, 10)])
    messages.append(until(back, "account"))

    assert [event["event"] for event in first["events"]] == ["opened"]
    assert [[event["event"] for event in message["events"]] for message in messages] == [
        ["filled"],
        ["filled", "done"],
        ["opened"],
    ]
    assert messages[1]["events"][1]["reason"] == "filled"
    assert [message["previous"] for message in messages] == [seen, *(m["sequence"] for m in messages[:-1])]


def test_drop_copy__too_long_ago__says_how_to_resync() -> None:
    with api_stage(ApiLimits(max_events=4)) as stage:
        client = stage.rest()
        for i in range(6):
            client.place([stage.alice.order("buy", 1, 10 + i)])

        with pytest.raises(Refused) as refused:
            stage.stream(stage.alice).subscribe_account(after=1)

        assert refused.value.code == "replay_too_old"
        assert "/v1/orders" in refused.value.fix


@pytest.mark.parametrize("limits", [ApiLimits(max_page=2), ApiLimits(max_queue_bytes=1_500)])
def test_drop_copy__long_replay__comes_in_parts(limits: ApiLimits) -> None:
    with api_stage(limits) as stage:
        client = stage.rest()
        for i in range(7):
            client.place([stage.alice.order("buy", 1, 10 + i)])
        stream = stage.stream(stage.alice)

        stream.subscribe_account(after=0)

        assert [until(stream, "account")["sequence"] for _ in range(7)] == list(range(1, 8))


def test_subscriptions__unknown_too_many_or_private__are_refused() -> None:
    with api_stage(ApiLimits(max_subscriptions=1)) as stage:
        stream = stage.stream()
        channels = ("book:9", "account", f"book:{MARKET}", f"trades:{MARKET}")
        codes = [code_of(stream, channel) for channel in channels]

        assert codes == ["unknown_market", "login_required", "ok", "too_many_subscriptions"]


@pytest.mark.parametrize("name", ["nonsense", "book:", "book:01", "book:\N{ARABIC-INDIC DIGIT ONE}"])
def test_attack__another_spelling_of_a_channel__is_refused(stage: ApiStage, name: str) -> None:
    assert code_of(stage.stream(), name) == "malformed"


# ---------------------------------------------------------------------------------- overload


def test_rate_limit__exceeded__answers_429_and_recovers() -> None:
    limits = ApiLimits(anonymous_per_s=2, anonymous_burst=5)
    with api_stage(limits) as stage, httpx.Client(base_url=stage.url) as client:
        statuses = [client.get("/v1/time").status_code for _ in range(8)]
        refused = client.get("/v1/time")
        wait_ms = refused.json()["error"]["retryAfterMs"]
        time.sleep(wait_ms / 1_000 + 0.05)
        after = client.get("/v1/time")

    assert statuses[:5] == [200] * 5
    assert 429 in statuses
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert after.status_code == 200


def test_overload__too_many_signatures_waiting__refuses_whole_frames_and_recovers() -> None:
    limits = ApiLimits(max_waiting_orders=150, anonymous_burst=100_000)
    with api_stage(limits) as stage:
        stream = stage.stream()
        frames = [[stage.alice.order("buy", 1, 1 + i) for i in range(100)] for _ in range(6)]
        numbers = [stream.send("place", orders=frame) for frame in frames]

        answers = [stream.next_message() for _ in numbers]
        again = stream.place([stage.alice.order("buy", 1, 7)])

        kinds = [answer["type"] for answer in answers]
        assert "error" in kinds
        assert "results" in kinds
        errors = [answer["error"] for answer in answers if answer["type"] == "error"]
        assert {error["code"] for error in errors} == {"overloaded"}
        taken = 100 * kinds.count("results")
        assert len(stage.exchange.live) == taken + 1
        assert again[0]["status"] == "taken"


def test_slow_consumer__stops_reading__is_cut_and_told_how_to_resync() -> None:
    limits = ApiLimits(max_queue_bytes=200_000, anonymous_burst=100_000)
    with api_stage(limits) as stage, ExitStack() as resources:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        narrow.connect(("127.0.0.1", stage.server.port))
        url = "ws" + stage.url.removeprefix("http") + "/v1/stream"
        opening = connect(url, sock=narrow, max_queue=1, compression=None)
        slow = resources.enter_context(opening)
        log_in(slow, stage.alice)
        slow.send(json.dumps({"op": "subscribe", "channel": "account"}))
        client = stage.stream()
        while not stage.metrics.counts["api_connections_cut"]:
            client.place([stage.alice.order("buy", 1, 1 + i) for i in range(100)])
        with pytest.raises(ConnectionClosed) as closed:
            read_all(slow)

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4008
        assert "subscribe with your last sequence" in closed.value.rcvd.reason
        assert client.place([stage.alice.order("buy", 1, 3)])[0]["status"] == "taken"


def test_origin__of_another_site__may_not_open_a_stream(stage: ApiStage) -> None:
    url = "ws" + stage.url.removeprefix("http") + "/v1/stream"

    with pytest.raises(InvalidStatus), connect(url, origin=Origin("https://evil.example")):
        pass
    with connect(url, origin=Origin("https://good.example")) as good:
        assert good.protocol.state is State.OPEN


def _signature_workers() -> list[int]:
    """Our child processes that recover signers."""
    children: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            children += (task / "children").read_text().split()
    return [
        int(child) for child in children if b"signature_worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_worker__killed__loses_no_order() -> None:
    before = set(_signature_workers())
    with api_stage() as stage:
        stream = stage.stream()
        stream.place([stage.alice.order("buy", 1, 5)])
        (worker,) = set(_signature_workers()) - before

        os.kill(worker, signal.SIGKILL)
        results = stream.place([stage.alice.order("buy", 1, 6 + i) for i in range(100)])

    assert {result["status"] for result in results} == {"taken"}


# ---------------------------------------------------------------------------------- a market maker


def test_market_maker__trades_and_moves__keeps_its_ladder(fresh: ApiStage) -> None:
    ladder = Ladder(levels=3, lots=5, max_lots=10_000)
    maker = MarketMaker(fresh.url, ALICE, ALICE_SUBACCOUNT, MARKET, ladder, SystemClock())
    try:
        first, second = maker.step(), maker.step()
        best = fresh.rest().book(MARKET)["asks"][0]
        fresh.rest().place([fresh.bob.order("buy", 5, best[0])])
        third = maker.step()
    finally:
        maker.close()

    assert (first["quotes"], first["renewed"]) == (6, True)
    assert not second["renewed"]
    assert third["renewed"]
    assert not fresh.exchange.live
