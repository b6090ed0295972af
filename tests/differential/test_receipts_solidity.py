"""Receipts in Python and in the deployed bytecode of the bond: who signed, and what contradicts what."""

from functools import cache

from hypothesis import Phase as Stages
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.protocol.settlement.receipts import Receipt, SignedReceipt
from optimistic.protocol.types import Hash32
from optimistic.service.clock import FakeClock
from optimistic.service.contract import creation_call
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.one_shot import OneShotSender
from optimistic.service.receipt_bond import ReceiptBond
from optimistic.service.signer import Signer
from tests.helpers.receipt_vectors import CHAIN_ID, malleated, signed_pairs, signer_of

FEW = (Hash32(bytes(32)), Hash32(b"\x01" * 32), Hash32(b"\xff" * 32))
HASHES = st.sampled_from(FEW)
NUMBERS = st.sampled_from((0, 1, 2**32, 2**64 - 1))
RECEIPTS = st.builds(Receipt, HASHES, NUMBERS, HASHES, NUMBERS)
KEYS = st.integers(1, 2**128).map(lambda number: number.to_bytes(32, "big"))


@cache
def bond() -> ReceiptBond:
    """The contract on a chain of its own."""
    l1 = EmbeddedL1(clock=FakeClock())
    client = l1.client()
    sender = OneShotSender(client, Signer(l1.keys[0]), clock=FakeClock())
    created = sender.send(creation_call("ReceiptBond", (CHAIN_ID, 1)))
    assert created.contract_address is not None
    return ReceiptBond(client, created.contract_address)


def on_chain_signer(signed: SignedReceipt) -> bytes:
    (found,) = bond().read("signerOf", tuple(signed.receipt), signed.signature, at="latest")
    return bytes(found)


def on_chain_contradict(first: Receipt, second: Receipt) -> bool:
    (found,) = bond().read("contradict", tuple(first), tuple(second), at="latest")
    return bool(found)


@settings(phases=(Stages.explicit, Stages.generate, Stages.shrink), deadline=None)
@given(RECEIPTS, RECEIPTS)
@example(Receipt(FEW[1], 1, FEW[0], 1), Receipt(FEW[1], 1, FEW[0], 1))
def test_contradict__any_two_receipts__is_the_same_in_both(first: Receipt, second: Receipt) -> None:
    expected = first.contradicts(second)

    assert on_chain_contradict(first, second) is on_chain_contradict(second, first) is expected


@settings(phases=(Stages.explicit, Stages.generate, Stages.shrink), deadline=None)
@given(RECEIPTS, KEYS, st.integers(0, 64), st.integers(0, 255))
def test_signer__any_byte_of_a_signature_changed__is_the_same_in_both(
    receipt: Receipt, key: bytes, place: int, change: int
) -> None:
    signed = ReceiptSigner(key, CHAIN_ID).sign(receipt)
    raw = bytearray(signed.signature)
    raw[place] ^= change

    for signature in (bytes(raw), malleated(signed.signature)):
        odd = SignedReceipt(receipt, signature)
        assert on_chain_signer(odd) == signer_of(odd)


def test_vectors__deployed_bytecode__agrees() -> None:
    for name, first, second in signed_pairs():
        expected = first.receipt.contradicts(second.receipt)
        assert on_chain_contradict(first.receipt, second.receipt) is expected, name
        for signed in (first, second):
            assert on_chain_signer(signed) == signer_of(signed), name
