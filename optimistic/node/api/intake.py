"""Takes orders in: allowances, signatures, and one decision of the exchange for all that waits."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from msgspec import structs

from optimistic.node.api.errors import ApiError, Code
from optimistic.node.api.signature_pool import SignaturePool
from optimistic.node.exchange.answers import Ack, Answer, Reject
from optimistic.node.exchange.commands import Command
from optimistic.node.exchange.ports import ExchangePort, Prepared
from optimistic.node.exchange.receipts import Receipt, ReceiptDomain, ReceiptSigner, SignedReceipt
from optimistic.protocol.types import Address, Hash32


class _Waiting(NamedTuple):
    """Commands whose signers are known, and the promise of their answers."""

    prepared: list[Prepared]
    done: "asyncio.Future[list[Answer]]"


class Intake:
    """The one way to the exchange's writer; all methods run on one event loop.

    Frames whose signatures were checked while the loop was busy are decided together, in the order
    in which they became ready, with one write to the log.

    Parameters
    ----------
    exchange : decides; receipts it leaves without signature (`UnsignedReceipts`) are signed by the pool
    pool : recovers signers
    chain_id : of L2, in the domain of receipts
    """

    def __init__(self, exchange: ExchangePort, pool: SignaturePool, chain_id: int) -> None:
        self._domain = ReceiptDomain(chain_id)
        self._exchange = exchange
        self._pool = pool
        self._waiting: list[_Waiting] = []

    async def run(self, commands: Sequence[Command], after: Awaitable[object] | None = None) -> list[Answer]:
        """Have commands decided as one group; return the answers in their order.

        Parameters
        ----------
        after : what must have been decided before, of the same connection

        Raises
        ------
        ApiError : too many signatures are waiting; nothing was taken in
        """
        prepared = [self._exchange.prepare(command) for command in commands]
        good = [item for item in prepared if isinstance(item, Prepared)]
        await self._recover(good)
        if after is not None:
            await after
        answers = iter(await self._sign(await self._decide(good)) if good else ())
        return [item if isinstance(item, Reject) else next(answers) for item in prepared]

    async def signer(self, digest: Hash32, signature: bytes) -> Address:
        """Return who signed a digest (64-byte compact signature); zero for nobody."""
        return (await self._pool.recover([digest + signature]))[0]

    async def _recover(self, prepared: list[Prepared]) -> None:
        signed = [item for item in prepared if item.digest is not None]
        if not signed:
            return
        items = [item.digest + item.signature for item in signed if item.digest is not None]
        for item, signer in zip(signed, await self._pool.recover(items), strict=True):
            item.signer = signer

    async def _sign(self, answers: list[Answer]) -> list[Answer]:
        """Put signatures under the receipts that have none yet."""
        places = [
            place
            for place, answer in enumerate(answers)
            if isinstance(answer, Ack) and answer.receipt is not None and not answer.receipt.signature
        ]
        if not places:
            return answers
        unsigned = [answer.receipt.receipt for answer in map(answers.__getitem__, places)]  # type: ignore[union-attr] # chosen above
        digests = [self._domain.digest(receipt.hash) for receipt in unsigned]
        for place, receipt, signature in zip(places, unsigned, await self._pool.sign(digests), strict=True):
            answers[place] = structs.replace(answers[place], receipt=SignedReceipt(receipt, signature))
        return answers

    async def _decide(self, prepared: list[Prepared]) -> list[Answer]:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(prepared, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            loop.call_soon(self._decide_all)
        return await waiting.done

    def _decide_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        together = [item for frame in waiting for item in frame.prepared]
        try:
            answers = self._exchange.decide(together)
        except Exception as error:  # noqa: BLE001 - each frame hears of it and its connection answers
            for frame in waiting:
                if not frame.done.done():
                    frame.done.set_exception(_failed(error))
            return
        at = 0
        for frame in waiting:
            end = at + len(frame.prepared)
            if not frame.done.done():
                frame.done.set_result(answers[at:end])
            at = end


def _failed(error: Exception) -> ApiError:
    problem = ApiError(Code.INTERNAL, "the exchange could not decide: whether it took the orders is unknown")
    problem.__cause__ = error
    return problem


class UnsignedReceipts(ReceiptSigner):
    """Leaves the signatures of receipts to the intake's worker processes, which have the same key.

    Signing takes as long as everything else about an order together.
    """

    def sign(self, receipt: Receipt) -> SignedReceipt:
        """Return the receipt without a signature."""
        return SignedReceipt(receipt, b"")
