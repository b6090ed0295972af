from collections.abc import Callable

import pytest

from optimistic.node import pool_errors
from optimistic.node.mempool import Mempool, MempoolLimits
from optimistic.protocol.accounts import Account
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import Address
from tests.helpers.l2_wallet import GWEI, Wallet

ETHER = 10**18
TO = Address(b"\x77" * 20)


class Accounts:
    """Accounts with one ether and nonce 0 unless set otherwise."""

    def __init__(self) -> None:
        self.by_address: dict[Address, Account] = {}

    def __call__(self, address: Address) -> Account:
        return self.by_address.get(address, Account(balance=ETHER))

    def set(self, wallet: Wallet, nonce: int = 0, balance: int = ETHER, code: bytes = b"") -> None:
        self.by_address[wallet.address] = Account(nonce=nonce, balance=balance, code_hash=keccak256(code))


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def pool(accounts: Accounts) -> Mempool:
    return Mempool(DEVNET, MempoolLimits(max_per_sender=4, max_transactions=6), accounts)


@pytest.fixture
def alice() -> Wallet:
    return Wallet(1)


def put(pool: Mempool, raw: bytes) -> bytes:
    pooled = pool.decode(raw)
    pool.check(pooled)
    pool.add(pooled)
    return raw


def drain(pool: Mempool) -> list[bytes]:
    """Choose transactions as a block producer that executes every one."""
    selection, chosen = pool.select(), []
    while (pooled := selection.next()) is not None:
        chosen.append(pooled.tx.raw)
        selection.executed(pooled)
    return chosen


def test_select__two_senders__higher_tip_first_and_nonces_in_order(pool: Mempool, alice: Wallet) -> None:
    bob = Wallet(2)
    first, second = (put(pool, alice.transfer(TO)) for _ in range(2))
    rich = put(pool, bob.transfer(TO, maxFeePerGas=3 * GWEI, maxPriorityFeePerGas=2 * GWEI))

    assert drain(pool) == [rich, first, second]


def test_select__nonce_gap__waits_until_filled(pool: Mempool, alice: Wallet) -> None:
    late = put(pool, alice.transfer(TO, nonce=1))
    assert drain(pool) == []
    assert pool.counts() == (0, 1)

    early = put(pool, alice.transfer(TO, nonce=0))

    assert drain(pool) == [early, late]
    assert pool.counts() == (2, 0)
    assert pool.next_nonce(alice.address) == 2


def test_prune__executed_nonces__leave_and_later_ones_become_executable(
    pool: Mempool, accounts: Accounts, alice: Wallet
) -> None:
    put(pool, alice.transfer(TO))
    later = put(pool, alice.transfer(TO))
    accounts.set(alice, nonce=1)

    pool.prune([alice.address])

    assert drain(pool) == [later]
    assert len(pool) == 1


def test_add__replacement_with_a_tenth_more__takes_the_place(pool: Mempool, alice: Wallet) -> None:
    put(pool, alice.transfer(TO, nonce=0))

    better = put(
        pool, alice.transfer(TO, nonce=0, maxFeePerGas=11 * GWEI // 10, maxPriorityFeePerGas=11 * GWEI // 10)
    )

    assert drain(pool) == [better]
    assert len(pool) == 1


@pytest.mark.parametrize(
    ("fee", "tip"), [(GWEI, GWEI - 1), (2 * GWEI, GWEI), (11 * GWEI // 10 - 1, 11 * GWEI // 10 - 1)]
)
def test_check__replacement_below_a_tenth_more__underpriced(
    pool: Mempool, alice: Wallet, fee: int, tip: int
) -> None:
    put(pool, alice.transfer(TO, nonce=0))

    with pytest.raises(pool_errors.ReplacementUnderpriced, match=r"^replacement transaction underpriced$"):
        put(pool, alice.transfer(TO, 2, nonce=0, maxFeePerGas=fee, maxPriorityFeePerGas=tip))


def test_check__same_again__already_known(pool: Mempool, alice: Wallet) -> None:
    raw = put(pool, alice.transfer(TO))

    with pytest.raises(pool_errors.AlreadyKnown, match=r"^already known$"):
        put(pool, raw)


def test_check__all_waiting_costs__count_against_the_balance(
    pool: Mempool, accounts: Accounts, alice: Wallet
) -> None:
    cost = 21_000 * GWEI + 10
    accounts.set(alice, balance=2 * cost - 1)
    put(pool, alice.transfer(TO, 10))

    with pytest.raises(pool_errors.InsufficientFunds, match=r"^insufficient funds for gas \* price \+ value"):
        put(pool, alice.transfer(TO, 10))


Make = Callable[[Wallet], bytes]

REFUSED: list[tuple[str, Make, type[pool_errors.PoolRejection], str]] = [
    (
        "chain id",
        lambda w: w.transfer(TO, chainId=5),
        pool_errors.WrongChainId,
        "invalid chain id for signer",
    ),
    ("used nonce", lambda w: w.transfer(TO, nonce=2), pool_errors.NonceTooLow, "nonce too low: next nonce 3"),
    ("far nonce", lambda w: w.transfer(TO, nonce=7), pool_errors.NonceTooHigh, "nonce too high"),
    ("gas", lambda w: w.transfer(TO, gas=20_999, nonce=3), pool_errors.BrokenRule, "intrinsic gas too low"),
    (
        "gas cap",
        lambda w: w.transfer(TO, gas=(1 << 23) + 1, nonce=3),
        pool_errors.BrokenRule,
        "transaction gas limit too high",
    ),
    (
        "tip above fee",
        lambda w: w.transfer(TO, maxFeePerGas=1, nonce=3),
        pool_errors.BrokenRule,
        "max priority fee per gas higher than max fee per gas",
    ),
    (
        "initcode",
        lambda w: w.deploy(bytes(49_153), gas=1_000_000, nonce=3),
        pool_errors.BrokenRule,
        "max initcode size exceeded",
    ),
    (
        "size",
        lambda w: w.call(TO, bytes(65_536), gas=8_000_000, nonce=3),
        pool_errors.Oversized,
        "oversized data: transaction size",
    ),
    (
        "unprotected",
        lambda w: w.transfer(TO, gasPrice=GWEI, chainId=None, nonce=3),
        pool_errors.NotReplayProtected,
        "only replay-protected",
    ),
    ("rlp", lambda _: b"\xc3\x01\x02", pool_errors.Undecodable, "rlp: "),
    ("type", lambda _: b"\x05\x01", pool_errors.Undecodable, "transaction type not supported"),
    ("nothing", lambda _: b"", pool_errors.Undecodable, "typed transaction too short"),
]


@pytest.mark.parametrize(
    ("make", "error", "text"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_check__bad_transaction__named_in_the_words_of_go_ethereum(
    pool: Mempool,
    accounts: Accounts,
    alice: Wallet,
    make: Make,
    error: type[pool_errors.PoolRejection],
    text: str,
) -> None:
    accounts.set(alice, nonce=3)

    with pytest.raises(error, match=text):
        put(pool, make(alice))

    assert len(pool) == 0


def test_check__sender_with_code__refused(pool: Mempool, accounts: Accounts, alice: Wallet) -> None:
    accounts.set(alice, code=b"\x00")

    with pytest.raises(pool_errors.BrokenRule, match="sender not an eoa"):
        put(pool, alice.transfer(TO))


def test_decode__unprotected__taken_when_allowed(accounts: Accounts, alice: Wallet) -> None:
    pool = Mempool(DEVNET, MempoolLimits(allow_unprotected=True), accounts)

    put(pool, alice.transfer(TO, gasPrice=GWEI, chainId=None))

    assert len(pool) == 1


def test_decode__tip_below_the_minimum__underpriced(accounts: Accounts, alice: Wallet) -> None:
    pool = Mempool(DEVNET, MempoolLimits(min_tip_wei=GWEI + 1), accounts)

    with pytest.raises(pool_errors.Underpriced, match="transaction underpriced"):
        pool.decode(alice.transfer(TO))


def test_check__full_pool__cheapest_tail_gives_way_only_to_a_dearer_one(pool: Mempool) -> None:
    for number in range(1, 7):
        put(pool, Wallet(number).transfer(TO, maxPriorityFeePerGas=number, maxFeePerGas=GWEI))

    with pytest.raises(pool_errors.PoolFull, match=r"^txpool is full$"):
        put(pool, Wallet(7).transfer(TO, maxPriorityFeePerGas=1, maxFeePerGas=GWEI))
    newcomer = put(pool, Wallet(8).transfer(TO, maxPriorityFeePerGas=9, maxFeePerGas=GWEI))

    senders = {pooled.sender for pooled in pool.waiting()}
    assert len(pool) == 6
    assert Wallet(1).address not in senders
    assert drain(pool)[0] == newcomer


def test_check__sender_at_its_limit__refused(pool: Mempool, alice: Wallet) -> None:
    for _ in range(4):
        put(pool, alice.transfer(TO))

    with pytest.raises(pool_errors.NonceTooHigh):
        put(pool, alice.transfer(TO))


def test_drop__unexecutable__removed_and_later_ones_wait(pool: Mempool, alice: Wallet) -> None:
    first = put(pool, alice.transfer(TO))
    put(pool, alice.transfer(TO))

    pool.drop(keccak256(first))

    assert drain(pool) == []
    assert pool.get(keccak256(first)) is None
    assert len(pool.waiting()) == 1
