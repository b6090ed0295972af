"""A process that recovers signers and signs receipts for the API, and dies with it.

Started by `SignaturePool` as ``python -m optimistic.node.api.signature_worker FD``. FD is one end of
a stream socket. A job is its kind (1 byte), a 4-byte count and that many items; the answer is kind
and count again and a result for each:

RECOVER : item digest (32) and signature (r, then s with the parity of y in its top bit: EIP-2098);
    result the signer (20), zeros where the signature is nobody's
SIGN : item digest (32); result r, s, v (65), v being 27 or 28, with the key that was set
SET_KEY : one item, a key (32), which neither arguments nor the environment may show; no result
"""

import signal
import socket
import sys
from contextlib import suppress
from enum import IntEnum
from typing import BinaryIO, Final

from coincurve import PrivateKey

from optimistic.protocol.settlement.signatures import recover
from optimistic.protocol.types import ZERO_ADDRESS, Hash32

ITEM_BYTES: Final = 96
SIGNER_BYTES: Final = 20
DIGEST_BYTES: Final = 32
SIGNATURE_BYTES: Final = 65
HEAD_BYTES: Final = 5


class Kind(IntEnum):
    """What a job asks for."""

    RECOVER = 0
    SIGN = 1
    SET_KEY = 2


SIZES: Final = {
    Kind.RECOVER: (ITEM_BYTES, SIGNER_BYTES),
    Kind.SIGN: (DIGEST_BYTES, SIGNATURE_BYTES),
    Kind.SET_KEY: (DIGEST_BYTES, 0),
}
"""Bytes of an item and of its result."""


def answer(items: bytes) -> bytes:
    """Return the signers of the items of one job."""
    return b"".join(
        recover(Hash32(items[at : at + 32]), items[at + 32 : at + ITEM_BYTES]) or ZERO_ADDRESS
        for at in range(0, len(items), ITEM_BYTES)
    )


def sign(items: bytes, key: PrivateKey) -> bytes:
    """Return the signatures of the digests of one job."""
    signatures = (
        key.sign_recoverable(items[at : at + DIGEST_BYTES], hasher=None)
        for at in range(0, len(items), DIGEST_BYTES)
    )
    return b"".join(signature[:64] + bytes((27 + signature[64],)) for signature in signatures)


def serve(stream: BinaryIO, out: socket.socket) -> None:
    """Do jobs until the other end is closed."""
    key: PrivateKey | None = None
    while len(head := stream.read(HEAD_BYTES)) == HEAD_BYTES:
        kind, size = Kind(head[0]), int.from_bytes(head[1:], "big") * SIZES[Kind(head[0])][0]
        items = stream.read(size)
        if len(items) < size:
            return
        if kind is Kind.SET_KEY:
            key = PrivateKey(items)
            continue
        if kind is Kind.SIGN:
            assert key is not None, "the key is set before anything is signed"
            out.sendall(head + sign(items, key))
        else:
            out.sendall(head + answer(items))


def main(descriptor: str) -> None:
    """Serve the process that holds the other end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which closes the socket
    end = socket.socket(fileno=int(descriptor))
    # A process that is killed leaves answers unread: that ends this one, too, and is no news.
    with end, end.makefile("rb") as stream, suppress(ConnectionError):
        serve(stream, end)


if __name__ == "__main__":
    main(*sys.argv[1:])
