import asyncio
import socket
import subprocess
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from optimistic.client.keys import TradingKey
from optimistic.node.api.errors import ApiError, Code
from optimistic.node.api.signature_pool import SignaturePool
from optimistic.node.api.signature_worker import answer
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_ADDRESS

KEYS = [TradingKey(bytes(31) + bytes([i])) for i in range(1, 4)]


def item(number: int) -> bytes:
    digest = keccak256(bytes([number]))
    return digest + KEYS[number % 3].sign(digest)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_answer__broken_and_high_s__are_nobody() -> None:
    good = item(1)
    high = good[:64] + b"\x7f" + b"\xff" * 31

    assert answer(good + high + bytes(96)) == KEYS[1].address + ZERO_ADDRESS + ZERO_ADDRESS


def test_recover__many_requests__each_gets_its_own_signers() -> None:
    async def story() -> None:
        pool = SignaturePool(workers=2, max_waiting=1_000)
        await pool.start()
        try:
            asked = [pool.recover([item(i), item(i + 1), item(i)]) for i in range(60)]
            found = await asyncio.gather(*asked)
            expected = [[KEYS[n % 3].address for n in (i, i + 1, i)] for i in range(60)]
            assert found == expected
            assert pool.waiting == 0
        finally:
            await pool.close()

    run(story())


def test_recover__more_than_may_wait__is_refused_whole_and_recovers() -> None:
    async def story() -> None:
        pool = SignaturePool(workers=1, max_waiting=4)
        await pool.start()
        try:
            first = asyncio.create_task(pool.recover([item(1), item(2), item(3)]))
            await asyncio.sleep(0)
            with pytest.raises(ApiError) as refused:
                await pool.recover([item(1), item(2)])
            assert refused.value.code is Code.OVERLOADED
            assert len(await first) == 3
            assert await pool.recover([item(2)]) == [KEYS[2].address]
        finally:
            await pool.close()

    run(story())


@pytest.mark.parametrize("count", [1, 2, 3, 300])
def test_sign__few_here_or_many_there__recover_to_the_key(count: int) -> None:
    async def story() -> None:
        pool = SignaturePool(workers=1, max_waiting=1, key=bytes(31) + b"\x02")
        await pool.start()
        try:
            digests = [keccak256(number.to_bytes(4, "big")) for number in range(count)]
            signatures = await pool.sign(digests)
            assert signatures == [KEYS[1].sign_long(digest) for digest in digests]
        finally:
            await pool.close()

    run(story())


def test_worker__whose_process_was_killed__ends_without_a_word() -> None:
    ours, theirs = socket.socketpair()
    worker = subprocess.Popen(
        [sys.executable, "-m", "optimistic.node.api.signature_worker", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stderr=subprocess.PIPE,
    )
    theirs.close()
    ours.sendall(b"\x00" + (1).to_bytes(4, "big") + item(1))
    assert ours.recv(1, socket.MSG_PEEK)
    ours.close()  # with the answer unread, as the kernel does for the dead

    _, words = worker.communicate(timeout=20)
    assert (worker.returncode, words) == (0, b"")
