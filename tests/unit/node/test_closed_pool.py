import pytest

from optimistic.node.closed_pool import ClosedPool, NoSequencer
from optimistic.protocol.accounts import Account
from optimistic.protocol.hashing import keccak256
from tests.helpers.l2_wallet import Wallet


def test_closed_pool__anything__refused_and_nonce_from_the_state() -> None:
    pool = ClosedPool(lambda _: Account(nonce=7))
    wallet = Wallet(1)

    with pytest.raises(NoSequencer, match="only follows L1"):
        pool.submit(wallet.transfer(wallet.address))

    assert pool.next_nonce(wallet.address) == 7
    assert (pool.get(keccak256(b"")), pool.waiting(), pool.counts(), pool.min_tip_wei()) == (
        None,
        [],
        (0, 0),
        0,
    )
