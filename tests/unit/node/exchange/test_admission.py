from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey

from optimistic.node.exchange.answers import Ack, Refusal, Reject
from optimistic.node.exchange.commands import (
    Cancel,
    DeadMan,
    Halt,
    MassCancel,
    Place,
    Replace,
    Shrink,
    Slices,
    Trigger,
)
from optimistic.node.exchange.options import ExchangeOptions, OrderLimits
from optimistic.node.exchange.records import PositionNoted
from optimistic.node.exchange.service import ExchangeService
from optimistic.protocol.matching.types import Reason, TriggerSource, TriggerWhen
from optimistic.protocol.settlement.orders import POST_ONLY, REDUCE_ONLY
from optimistic.protocol.settlement.state import SessionKey
from optimistic.protocol.settlement.types import MAX_LEGS, MarketId, MarketStatus, Position, SubaccountId
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import ZERO_ADDRESS, Address
from tests.helpers.exchange_world import (
    FEED,
    LIMITS,
    LOT_WAD,
    MARKET,
    PRICE_TICKS,
    TICK_WAD,
    ExchangeWorld,
    Trader,
)

NOW = 1_700_000_000
IOC = 2 << 2


def one(world: ExchangeWorld, command: Any) -> Any:
    [answer] = world.do(command)
    return answer


def refusal(world: ExchangeWorld, command: Any) -> Refusal:
    answer = one(world, command)
    assert isinstance(answer, Reject), answer
    return answer.refusal


def test_order__of_its_owner__is_taken_with_a_receipt(world: ExchangeWorld) -> None:
    answer = one(world, world.traders[0].place(5, PRICE_TICKS))

    assert isinstance(answer, Ack)
    assert answer.order_id == answer.seq == 1
    assert answer.receipt is not None


WRONG: list[tuple[Refusal, dict[str, Any]]] = [
    (Refusal.UNKNOWN_MARKET, {"market": 77}),
    (Refusal.UNKNOWN_SUBACCOUNT, {"subaccount": 999}),
    (Refusal.UNKNOWN_SUBACCOUNT, {"subaccount": 2}),
    (Refusal.EXPIRED, {"expiry": NOW - 1}),
    (Refusal.EXPIRED, {"expiry": NOW + 10}),
    (Refusal.EXPIRES_TOO_LATE, {"expiry": NOW + 91 * 86_400}),
    (Refusal.FEE_CAP, {"max_fee_pips": 499}),
    (Refusal.PRICE_BAND, {"ticks": PRICE_TICKS * 12 // 10}),
    (Refusal.ORDER_SIZE, {"lots": 10**12}),
    (Refusal.MARGIN, {"lots": 9 * 10**8}),
    (Refusal.INVALID, {"lots": 0}),
    (Refusal.INVALID, {"lots": 1 << 48}),
    (Refusal.INVALID, {"ticks": 0}),
    (Refusal.INVALID, {"ticks": 1 << 40}),
    (Refusal.INVALID, {"flags": 16}),
    (Refusal.INVALID, {"nonce": 1 << 64}),
    (Refusal.INVALID, {"expiry": 1 << 40}),
    (Refusal.INVALID, {"flags": POST_ONLY | IOC}),
    (Refusal.INVALID, {"display": 6}),
    (Refusal.INVALID, {"slides": True}),
    (Refusal.INVALID, {"client_id": bytes(37)}),
    (Refusal.INVALID, {"slices": Slices(duration_ms=100, interval_ms=50)}),
    (Refusal.INVALID, {"slices": Slices(duration_ms=10**9, interval_ms=1_000)}),
    (
        Refusal.INVALID,
        {"trigger": Trigger(source=TriggerSource.MARK, when=TriggerWhen.AT_OR_ABOVE, ticks=0)},
    ),
]


@pytest.mark.parametrize(("expected", "fields"), WRONG, ids=str)
def test_order__that_breaks_a_rule__is_refused_and_leaves_no_trace(
    world: ExchangeWorld, expected: Refusal, fields: dict[str, Any]
) -> None:
    values: dict[str, Any] = {"lots": 5, "ticks": PRICE_TICKS, **fields}
    command = world.traders[0].place(values.pop("lots"), values.pop("ticks"), **values)

    assert refusal(world, command) is expected
    assert world.exchange.group == -1
    assert not world.events


def _names(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in Place.__struct_fields__}


def test_signature__of_somebody_else__tells_who_and_over_what(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    stolen = bob.place(5, PRICE_TICKS, subaccount=alice.subaccount)

    answer = one(world, stolen)

    assert answer.refusal is Refusal.BAD_SIGNATURE
    assert answer.recovered == bob.owner
    prepared = world.exchange.prepare(stolen)
    assert not isinstance(prepared, Reject)
    assert answer.digest == prepared.digest


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64])
def test_attack__signature_of_nobody__is_refused(world: ExchangeWorld, signature: bytes) -> None:
    names = _names(world.traders[0].place(5, PRICE_TICKS)) | {"signature": signature}

    answer = one(world, Place(**names))

    assert answer.refusal is Refusal.BAD_SIGNATURE
    assert answer.recovered == ZERO_ADDRESS


def test_attack__flipped_parity__is_another_signer_and_never_reaches_the_book(world: ExchangeWorld) -> None:
    place = world.traders[0].place(5, PRICE_TICKS)
    flipped = place.signature[:32] + bytes([place.signature[32] ^ 0x80]) + place.signature[33:]

    assert refusal(world, Place(**_names(place) | {"signature": flipped})) is Refusal.BAD_SIGNATURE


def test_session_key__within_its_rights__may_trade_and_beyond_them_not(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    session = Trader(PrivateKey((5).to_bytes(32, "big")), alice.subaccount)
    keys = world.state.session_keys
    good = SessionKey(expiry=NOW + 90_000, subaccount=SubaccountId(0), scope=1)

    keys[alice.owner, session.owner] = good
    assert isinstance(one(world, session.place(5, PRICE_TICKS)), Ack)

    for wrong in (
        replace(good, expiry=NOW + 1_000),
        replace(good, subaccount=SubaccountId(alice.subaccount + 1)),
        replace(good, scope=2),
    ):
        keys[alice.owner, session.owner] = wrong
        session.nonce += 10
        assert refusal(world, session.place(5, PRICE_TICKS)) is Refusal.NOT_A_SESSION_KEY


def test_session_key__asked_for__counts_only_while_it_may_trade(world: ExchangeWorld) -> None:
    alice, key = world.traders[0], Address(bytes(19) + b"\7")
    service, keys = ExchangeService(world.exchange), world.state.session_keys
    good = SessionKey(expiry=NOW + 90_000, subaccount=SubaccountId(alice.subaccount), scope=1)

    found = []
    for entry in (
        good,
        replace(good, subaccount=SubaccountId(0)),
        replace(good, scope=2),
        replace(good, expiry=1),
    ):
        keys[alice.owner, key] = entry
        found.append(service.session_key(alice.owner, key))

    assert found == [alice.subaccount, 0, None, None]
    assert service.session_key(world.traders[1].owner, key) is None
    assert (service.owner(alice.subaccount), service.owner(10**9)) == (alice.owner, None)


def test_attack__replayed_order__is_refused_also_after_cancel_and_restart(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    place = alice.place(5, PRICE_TICKS)
    first = one(world, place)
    assert refusal(world, place) is Refusal.NONCE_USED

    one(world, Cancel(owner=alice.owner, order_id=first.order_id))
    assert refusal(world, place) is Refusal.NONCE_USED

    world.exchange.close()
    world.exchange = world.open()
    assert refusal(world, place) is Refusal.NONCE_USED


def test_nonces__twice_in_one_group__the_second_is_refused(world: ExchangeWorld) -> None:
    place = world.traders[0].place(5, PRICE_TICKS)

    answers = world.do(place, place)

    assert isinstance(answers[0], Ack)
    assert answers[1].refusal is Refusal.NONCE_USED


def test_nonces__below_the_window_and_below_the_floor__are_refused(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(nonce_window=3))
    alice = world.traders[0]
    for nonce in (10, 20, 30, 40):
        assert isinstance(one(world, alice.place(1, PRICE_TICKS, nonce=nonce)), Ack)

    assert refusal(world, alice.place(1, PRICE_TICKS, nonce=9)) is Refusal.NONCE_TOO_OLD
    assert refusal(world, alice.place(1, PRICE_TICKS, nonce=10)) is Refusal.NONCE_TOO_OLD
    assert isinstance(one(world, alice.place(1, PRICE_TICKS, nonce=25)), Ack)
    world.state.nonce_floors[alice.owner] = 100
    assert refusal(world, alice.place(1, PRICE_TICKS, nonce=99)) is Refusal.NONCE_BELOW_FLOOR
    assert isinstance(one(world, alice.place(1, PRICE_TICKS, nonce=100)), Ack)


def test_client_id__same_order_again__gives_the_same_answer(world: ExchangeWorld) -> None:
    place = world.traders[0].place(5, PRICE_TICKS, client_id=b"mine")
    first = one(world, place)

    world.exchange.close()
    world.exchange = world.open()
    again = one(world, place)

    assert again.is_repeat
    assert (again.order_id, again.seq, again.receipt) == (first.order_id, first.seq, first.receipt)


def test_client_id__another_order__is_refused_and_other_owners_may_use_it(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    one(world, alice.place(5, PRICE_TICKS, client_id=b"mine"))

    assert refusal(world, alice.place(6, PRICE_TICKS, client_id=b"mine")) is Refusal.CLIENT_ID_TAKEN
    assert isinstance(one(world, bob.place(6, PRICE_TICKS, client_id=b"mine")), Ack)


def test_limits__open_orders_per_owner_and_market__hold_within_a_group_too(tmp_path: Path) -> None:
    limits = OrderLimits(max_per_owner=3, max_per_market=4)
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(orders=limits))
    alice, bob = world.traders[:2]

    answers = world.do(*(alice.place(1, PRICE_TICKS - n) for n in range(4)))
    others = world.do(bob.place(1, PRICE_TICKS)) + world.do(bob.place(1, PRICE_TICKS))

    assert [isinstance(answer, Ack) for answer in answers] == [True, True, True, False]
    assert [isinstance(answer, Ack) for answer in others] == [True, False]
    assert answers[3].refusal is others[1].refusal is Refusal.TOO_MANY_ORDERS


def test_limits__parents_of_an_owner__hold_within_a_group_and_after(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(orders=OrderLimits(max_parents=2)))
    alice, slices = world.traders[0], Slices(duration_ms=2_000, interval_ms=1_000)

    first, second, third = world.do(*(alice.place(2, PRICE_TICKS, slices=slices) for _ in range(3)))
    fourth = one(world, alice.place(2, PRICE_TICKS, slices=slices))
    plain = one(world, alice.place(2, PRICE_TICKS))

    assert third.refusal is fourth.refusal is Refusal.TOO_MANY_ORDERS
    assert world.exchange.machine.registry.orders.keys() == {
        first.order_id,
        second.order_id,
        plain.order_id,
    }
    world.exchange.close()


def test_margin__open_orders_are_reserved__and_released_by_cancels(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    world.state.subaccounts[SubaccountId(alice.subaccount)].cash_wad = 100 * WAD
    ten_contracts = 10_000
    first = one(world, alice.place(ten_contracts, PRICE_TICKS))
    assert isinstance(first, Ack)

    assert refusal(world, alice.place(ten_contracts, PRICE_TICKS)) is Refusal.MARGIN
    assert isinstance(one(world, alice.place(-ten_contracts, PRICE_TICKS + 100)), Ack), (
        "the other side is free"
    )
    one(world, Cancel(owner=alice.owner, order_id=first.order_id))
    assert isinstance(one(world, alice.place(ten_contracts, PRICE_TICKS)), Ack)


def test_margin__orders_of_one_group__are_added_up(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    world.state.subaccounts[SubaccountId(alice.subaccount)].cash_wad = 100 * WAD

    answers = world.do(*(alice.place(6_000, PRICE_TICKS) for _ in range(4)))

    assert [isinstance(answer, Ack) for answer in answers] == [True, True, True, False]


def test_margin__unsettled_trades_count__before_the_chain_knows_them(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.state.subaccounts[SubaccountId(alice.subaccount)].cash_wad = 100 * WAD
    one(world, bob.place(-15_000, PRICE_TICKS))
    one(world, alice.place(15_000, PRICE_TICKS))

    assert refusal(world, alice.place(10_000, PRICE_TICKS)) is Refusal.MARGIN
    assert isinstance(one(world, alice.place(-15_000, PRICE_TICKS)), Ack), "closing needs no margin"


def test_attack__quotes_whose_last_leaf_reduces__do_not_slip_past_margin(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.state.subaccounts[SubaccountId(alice.subaccount)].cash_wad = 100 * WAD
    one(world, bob.place(-1_000, PRICE_TICKS))
    one(world, alice.place(1_000, PRICE_TICKS))

    quotes = alice.quotes([(10**7, PRICE_TICKS - 50), (-1_000, PRICE_TICKS + 50)])

    assert refusal(world, quotes) is Refusal.MARGIN


def test_markets__halted_reduce_only_or_stale__take_what_they_may(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    one(world, bob.place(-5, PRICE_TICKS))
    one(world, alice.place(5, PRICE_TICKS))
    market = world.state.markets[MARKET]

    market.status = MarketStatus.HALTED
    assert refusal(world, alice.place(5, PRICE_TICKS)) is Refusal.MARKET_NOT_OPEN
    market.status = MarketStatus.REDUCE_ONLY
    assert refusal(world, alice.place(5, PRICE_TICKS)) is Refusal.MARKET_REDUCE_ONLY
    assert isinstance(one(world, alice.place(-5, PRICE_TICKS, flags=REDUCE_ONLY)), Ack)
    market.status = MarketStatus.OPEN
    world.state.feeds[FEED].timestamp -= 16
    assert refusal(world, alice.place(5, PRICE_TICKS)) is Refusal.STALE_PRICE


def test_operator__halt_and_resume__cancels_stay_possible(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    placed = one(world, alice.place(5, PRICE_TICKS))
    one(world, Halt(market=None, is_halted=True))

    assert refusal(world, alice.place(5, PRICE_TICKS)) is Refusal.HALTED
    assert one(world, Cancel(owner=alice.owner, order_id=placed.order_id)).cancelled == 1
    one(world, Halt(market=None, is_halted=False))
    assert isinstance(one(world, alice.place(5, PRICE_TICKS)), Ack)


def test_others_orders__cannot_be_cancelled_or_shrunk(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    placed = one(world, alice.place(5, PRICE_TICKS, client_id=b"a"))

    for command in (
        Cancel(owner=bob.owner, order_id=placed.order_id),
        Cancel(owner=bob.owner, client_id=b"a"),
        Shrink(owner=bob.owner, order_id=placed.order_id, lots=1),
    ):
        assert refusal(world, command) is Refusal.UNKNOWN_ORDER


def test_replace__with_a_bad_order__leaves_the_old_one(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    placed = one(world, alice.place(5, PRICE_TICKS))
    cancel = Cancel(owner=alice.owner, order_id=placed.order_id)

    bad = Replace(cancel=cancel, place=alice.place(5, PRICE_TICKS, max_fee_pips=0))
    assert refusal(world, bad) is Refusal.FEE_CAP
    assert placed.order_id in world.exchange.machine.registry.orders

    good = one(world, Replace(cancel=cancel, place=alice.place(7, PRICE_TICKS - 1)))
    assert good.cancelled == 1
    assert list(world.exchange.machine.registry.orders) == [good.order_id]


def replacement(trader: Trader, order_id: int, place: Place) -> Replace:
    return Replace(cancel=Cancel(owner=trader.owner, order_id=order_id), place=place)


@pytest.mark.parametrize(("hit", "left"), [(5, {}), (2, {1: 3})], ids=["filled", "partly filled"])
def test_replace__of_an_order_that_trades_before_in_the_group__does_nothing(
    world: ExchangeWorld, hit: int, left: dict[int, int]
) -> None:
    alice, bob = world.traders[:2]
    first = one(world, alice.place(5, PRICE_TICKS))

    _, answer = world.do(
        bob.place(-hit, PRICE_TICKS), replacement(alice, first.order_id, alice.place(5, PRICE_TICKS - 1))
    )

    assert (answer.refused_by_book, answer.cancelled) == (Reason.REPLACED_CHANGED, 0)
    live = world.exchange.machine.registry.orders
    assert {id_: order.open for id_, order in live.items()} == left


def test_replace__twice_in_one_group__leaves_one_order(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    first = one(world, alice.place(5, PRICE_TICKS))

    once, again = world.do(
        *(replacement(alice, first.order_id, alice.place(5, PRICE_TICKS - step)) for step in (1, 2))
    )

    assert (once.cancelled, again.refused_by_book) == (1, Reason.REPLACED_CHANGED)
    assert world.exchange.machine.registry.orders.keys() == {once.order_id}


def test_replace__at_full_margin_and_at_the_limit_of_orders__needs_no_room_for_both(tmp_path: Path) -> None:
    options = ExchangeOptions(orders=OrderLimits(max_per_owner=1))
    world = ExchangeWorld(tmp_path / "exchange", options=options)
    alice = world.traders[0]
    world.state.subaccounts[SubaccountId(alice.subaccount)].cash_wad = 100 * WAD
    first = one(world, alice.place(19_000, PRICE_TICKS))

    more = replacement(alice, first.order_id, alice.place(20_000, PRICE_TICKS - 1))
    assert refusal(world, more) is Refusal.MARGIN
    moved = one(world, replacement(alice, first.order_id, alice.place(19_000, PRICE_TICKS - 1)))

    assert moved.cancelled == 1
    machine = world.exchange.machine
    assert machine.exposures.of(alice.subaccount)[MARKET].bids.levels == {PRICE_TICKS - 1: 19_000}
    world.exchange.close()


def test_shrink__keeps_the_place__and_only_makes_smaller(world: ExchangeWorld) -> None:
    alice, bob, carol = world.traders[:3]
    first = one(world, alice.place(5, PRICE_TICKS))
    one(world, bob.place(5, PRICE_TICKS))

    shrink = Shrink(owner=alice.owner, order_id=first.order_id, lots=2)
    assert isinstance(one(world, shrink), Ack)
    assert refusal(world, shrink) is Refusal.INVALID
    one(world, carol.place(-2, PRICE_TICKS))

    assert first.order_id not in world.exchange.machine.registry.orders, "it traded first"


def test_dead_man__too_long__is_refused(world: ExchangeWorld) -> None:
    assert refusal(world, DeadMan(owner=world.traders[0].owner, timeout_ms=10**9)) is Refusal.INVALID


def test_post_only__that_would_take__is_answered_with_the_books_reason(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    one(world, alice.place(-5, PRICE_TICKS))

    answer = one(world, bob.place(5, PRICE_TICKS, flags=POST_ONLY))

    assert answer.refused_by_book is Reason.POST_ONLY_WOULD_TAKE
    assert answer.order_id not in world.exchange.machine.registry.orders


def test_post_only__that_would_slide__is_told_the_price_to_sign(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    one(world, alice.place(-5, PRICE_TICKS))

    [refused] = world.exchange.submit([bob.place(5, PRICE_TICKS, flags=POST_ONLY, slides=True)])
    assert isinstance(refused, Reject)
    assert refused.refusal is Refusal.WOULD_TAKE
    assert f"{PRICE_TICKS - 1} ticks" in refused.detail
    assert refused.ticks == PRICE_TICKS - 1

    slid = one(world, bob.place(5, PRICE_TICKS - 1, flags=POST_ONLY, slides=True))
    assert world.exchange.machine.registry.orders[slid.order_id].ticks == PRICE_TICKS - 1
    other = one(world, alice.place(-5, PRICE_TICKS - 1 + 2, flags=POST_ONLY, slides=True))
    assert other.order_id in world.exchange.machine.registry.orders


def test_margin__price_that_came_in_since__counts_for_held_positions(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    account = world.state.subaccounts[SubaccountId(alice.subaccount)]
    price = PRICE_TICKS * TICK_WAD
    account.cash_wad = 100 * WAD
    account.legs[MARKET] = Position(10 * WAD, price)
    feed = world.state.feeds[FEED]
    feed.price_wad, feed.timestamp = price - 4 * WAD, feed.timestamp + 1

    assert refusal(world, alice.place(5_000, PRICE_TICKS - 400)) is Refusal.MARGIN

    feed.price_wad = price
    assert isinstance(one(world, alice.place(5_000, PRICE_TICKS)), Ack)


def test_attack__close_at_a_ruinous_price__must_be_paid_for(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    account = world.state.subaccounts[SubaccountId(alice.subaccount)]
    price = PRICE_TICKS * TICK_WAD
    account.legs[MARKET] = Position(10 * WAD, price)
    account.cash_wad = 60 * WAD
    ruinous, fair = PRICE_TICKS * 91 // 100, PRICE_TICKS * 98 // 100

    for flags in (0, REDUCE_ONLY):
        assert refusal(world, alice.place(-10_000, ruinous, flags=flags)) is Refusal.MARGIN
        assert isinstance(one(world, alice.place(-5_000, fair, flags=flags)), Ack)
    account.cash_wad = 1_000 * WAD
    assert isinstance(one(world, alice.place(-10_000, ruinous, flags=REDUCE_ONLY)), Ack)


def test_answers__to_owners_commands__name_the_order_or_say_what_is_missing(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    placed = one(world, alice.place(5, PRICE_TICKS - 10))

    shrunk = one(world, Shrink(owner=alice.owner, order_id=placed.order_id, lots=2))
    other_subaccount = Cancel(owner=alice.owner, order_id=placed.order_id, subaccount=bob.subaccount)
    [refused] = world.do(other_subaccount)
    cancelled = one(world, Cancel(owner=alice.owner, order_id=placed.order_id, subaccount=alice.subaccount))

    assert (shrunk.order_id, cancelled.order_id) == (placed.order_id, placed.order_id)
    assert cancelled.cancelled == 1
    assert refused.refusal is Refusal.UNKNOWN_ORDER
    assert "no open order" in refused.detail


def test_attack__mass_cancels_of_owners_without_orders__leave_nothing_behind(world: ExchangeWorld) -> None:
    world.do(*(MassCancel(owner=Address(bytes([number]) * 20)) for number in range(1, 50)))

    assert not world.exchange.machine.owner_keys


def test_attack__reduce_only_order_beside_a_free_close__does_not_open_a_position(
    world: ExchangeWorld,
) -> None:
    alice = world.traders[0]
    account = world.state.subaccounts[SubaccountId(alice.subaccount)]
    account.legs[MARKET] = Position(20 * WAD, PRICE_TICKS * TICK_WAD)
    world.exchange.commit(lambda _: [PositionNoted(alice.owner, alice.subaccount, MARKET, 20_000)])
    account.cash_wad = 80 * WAD  # initial margin is 100

    close = one(world, alice.place(-20_000, PRICE_TICKS + 1))
    assert isinstance(close, Ack)
    assert refusal(world, alice.place(-20_000, PRICE_TICKS, flags=REDUCE_ONLY)) is Refusal.MARGIN
    one(world, Cancel(owner=alice.owner, order_id=close.order_id))
    assert isinstance(one(world, alice.place(-20_000, PRICE_TICKS, flags=REDUCE_ONLY)), Ack)
    assert refusal(world, alice.place(-20_000, PRICE_TICKS + 1)) is Refusal.MARGIN


def test_attack__fees_on_their_way__are_not_spent_again(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.state.subaccounts[SubaccountId(alice.subaccount)].cash_wad = 101 * WAD
    one(world, bob.place(-20_100, PRICE_TICKS))
    assert isinstance(one(world, alice.place(20_000, PRICE_TICKS)), Ack)

    assert refusal(world, alice.place(50, PRICE_TICKS)) is Refusal.MARGIN


def test_attack__open_interest_at_its_cap__takes_closes_and_no_growth(world: ExchangeWorld) -> None:
    alice, bob, carol, dave = world.traders
    world.state.markets[MARKET].limits = replace(LIMITS, open_interest_cap_wad=10 * LOT_WAD)
    one(world, bob.place(-10, PRICE_TICKS))
    assert isinstance(one(world, alice.place(10, PRICE_TICKS)), Ack)
    world.state.markets[MARKET].open_interest_wad = 10 * LOT_WAD

    assert isinstance(one(world, carol.place(-3, PRICE_TICKS)), Ack), "somebody may close against it"
    assert refusal(world, dave.place(3, PRICE_TICKS)) is Refusal.ORDER_SIZE
    assert isinstance(one(world, bob.place(3, PRICE_TICKS)), Ack), "a short hands over to a short"


def test_limits__markets_of_a_subaccount__are_counted_with_open_orders(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path / "exchange")
    alice = world.traders[0]
    market = world.state.markets[MARKET]
    for number in range(1, MAX_LEGS + 2):
        world.state.markets[MarketId(number)] = market
    legs = world.state.subaccounts[SubaccountId(alice.subaccount)].legs
    legs.update({MarketId(number): Position(LOT_WAD, market.mark_wad) for number in range(1, MAX_LEGS)})

    assert isinstance(one(world, alice.place(1, PRICE_TICKS, market=MAX_LEGS)), Ack)
    assert refusal(world, alice.place(1, PRICE_TICKS, market=MAX_LEGS + 1)) is Refusal.ORDER_SIZE
    assert isinstance(one(world, alice.place(1, PRICE_TICKS, market=2)), Ack)
    world.exchange.close()


def test_reduce_only__at_an_old_price__rests_and_meets_nobody_who_may_increase(world: ExchangeWorld) -> None:
    alice, bob, carol = world.traders[:3]
    world.do(alice.place(5, PRICE_TICKS), bob.place(-5, PRICE_TICKS), carol.place(5, PRICE_TICKS))

    world.clock.advance(20)
    assert refusal(world, alice.place(-5, PRICE_TICKS, flags=REDUCE_ONLY)) is Refusal.STALE_PRICE
    assert isinstance(one(world, alice.place(-5, PRICE_TICKS + 1, flags=REDUCE_ONLY)), Ack)
    world.clock.advance(1_000)
    assert refusal(world, alice.place(-5, PRICE_TICKS + 1, flags=REDUCE_ONLY)) is Refusal.STALE_PRICE
