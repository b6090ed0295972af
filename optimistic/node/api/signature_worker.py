"""A process that recovers signers for the API and dies with it.

Started by `SignaturePool` as ``python -m optimistic.node.api.signature_worker FD``. FD is one end of
a stream socket. A job is a 4-byte count and that many items of 96 bytes: digest (32) and signature
(r, then s with the parity of y in its top bit: EIP-2098). The answer is the count again and 20 bytes
for each, zeros where the signature is nobody's.
"""

import signal
import socket
import sys
from typing import BinaryIO, Final

from optimistic.protocol.settlement.signatures import recover
from optimistic.protocol.types import ZERO_ADDRESS, Hash32

ITEM_BYTES: Final = 96
SIGNER_BYTES: Final = 20
COUNT_BYTES: Final = 4


def answer(items: bytes) -> bytes:
    """Return the signers of the items of one job."""
    return b"".join(
        recover(Hash32(items[at : at + 32]), items[at + 32 : at + ITEM_BYTES]) or ZERO_ADDRESS
        for at in range(0, len(items), ITEM_BYTES)
    )


def serve(stream: BinaryIO, out: socket.socket) -> None:
    """Do jobs until the other end is closed."""
    while len(head := stream.read(COUNT_BYTES)) == COUNT_BYTES:
        size = int.from_bytes(head, "big") * ITEM_BYTES
        items = stream.read(size)
        if len(items) < size:
            return
        out.sendall(head + answer(items))


def main(descriptor: str) -> None:
    """Serve the process that holds the other end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which closes the socket
    end = socket.socket(fileno=int(descriptor))
    with end, end.makefile("rb") as stream:
        serve(stream, end)


if __name__ == "__main__":
    main(*sys.argv[1:])
