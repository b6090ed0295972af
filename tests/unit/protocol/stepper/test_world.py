"""Accounts, slots and warmth through leaves."""

from dataclasses import replace

import pytest

from optimistic.protocol.accounts import EMPTY_ACCOUNT, Account
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.stepper.world import (
    CREATED,
    WARM,
    is_dead,
    open_account,
    open_bits,
    open_slot,
    touch_address,
    touch_slot,
    write_account,
    write_bits,
    write_slot,
)
from optimistic.protocol.types import Address
from tests.helpers.evm_world import Alloc, make_state
from tests.helpers.opcode_stage import ABSENT, COINBASE, OTHER, SELF, SENDER, TARGET, stage

START = {SELF: Alloc(nonce=1, storage={1: 5}), OTHER: Alloc(balance=1)}


def test_open_account__absent__is_empty() -> None:
    scene = stage(START)
    leaf, account = open_account(scene.be, scene.journal.state_root, ABSENT)
    assert (leaf.value, account) == (None, EMPTY_ACCOUNT)
    assert is_dead(account)


def test_write_account__changed__is_the_trie_with_the_change() -> None:
    scene = stage(START)
    leaf, account = open_account(scene.be, scene.journal.state_root, OTHER)
    root = write_account(scene.be, leaf, replace(account, balance=9))
    assert root == make_state({**START, OTHER: Alloc(balance=9)})[1]


def test_write_account__dead__is_removed() -> None:
    scene = stage(START)
    leaf, account = open_account(scene.be, scene.journal.state_root, OTHER)
    root = write_account(scene.be, leaf, replace(account, balance=0))
    assert root == make_state({SELF: START[SELF]})[1]


def test_write_account__dead_and_absent__changes_nothing() -> None:
    scene = stage(START)
    leaf, account = open_account(scene.be, scene.journal.state_root, ABSENT)
    assert write_account(scene.be, leaf, account) == scene.journal.state_root


@pytest.mark.parametrize(
    ("account", "dead"),
    [
        (EMPTY_ACCOUNT, True),
        (Account(nonce=1), False),
        (Account(balance=1), False),
        (Account(code_hash=keccak256(b"\0")), False),
    ],
)
def test_is_dead__account__has_neither_nonce_nor_balance_nor_code(account: Account, dead: bool) -> None:
    assert is_dead(account) is dead


def test_slot__write_and_clear__is_the_trie_without_it() -> None:
    scene = stage(START)
    _, account = open_account(scene.be, scene.journal.state_root, SELF)
    leaf, value = open_slot(scene.be, account.storage_root, 1)
    assert value == 5
    assert open_slot(scene.be, write_slot(scene.be, leaf, 6), 1)[1] == 6
    assert write_slot(scene.be, leaf, 0) == EMPTY_ROOT
    absent, nothing = open_slot(scene.be, EMPTY_ROOT, 1)
    assert nothing == 0
    assert write_slot(scene.be, absent, 0) == EMPTY_ROOT


@pytest.mark.parametrize(
    "address",
    [SENDER, TARGET, COINBASE, Address(bytes(19) + b"\1"), Address(bytes(19) + b"\x0a")],
)
def test_touch_address__warm_by_rule__asks_for_nothing(address: Address) -> None:
    scene = stage()
    assert touch_address(scene.be, scene.m, address)
    assert scene.journal.warm_root == EMPTY_ROOT


@pytest.mark.parametrize("address", [ABSENT, Address(bytes(20)), Address(bytes(19) + b"\x0b")])
def test_touch_address__first_time__was_cold(address: Address) -> None:
    scene = stage()
    assert not touch_address(scene.be, scene.m, address)
    root = scene.journal.warm_root
    assert touch_address(scene.be, scene.m, address)
    assert scene.journal.warm_root == root != EMPTY_ROOT


def test_touch_slot__of_another_account__is_another_slot() -> None:
    scene = stage()
    assert not touch_slot(scene.be, scene.m, SELF, 1)
    assert not touch_slot(scene.be, scene.m, OTHER, 1)
    assert not touch_slot(scene.be, scene.m, SELF, 2)
    assert touch_slot(scene.be, scene.m, SELF, 1)


def test_bits__created_before_touched__becomes_warm_and_stays_created() -> None:
    scene = stage()
    leaf, bits = open_bits(scene.be, scene.m, keccak256(OTHER))
    assert bits == 0
    write_bits(scene.be, scene.m, leaf, CREATED)
    assert not touch_address(scene.be, scene.m, OTHER)
    assert open_bits(scene.be, scene.m, keccak256(OTHER))[1] == CREATED | WARM
