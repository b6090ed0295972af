"""The write-ahead log under random appends, crashes, cuts and damage."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from optimistic.service.storage_errors import CorruptStorage
from optimistic.service.wal import Wal

PAYLOADS = st.lists(st.binary(max_size=80), max_size=25)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def write(path: Path, payloads: list[bytes], segment_bytes: int) -> None:
    wal = Wal(path, segment_bytes=segment_bytes)
    for payload in payloads:
        wal.append(payload)
    wal.close()


def read(path: Path) -> list[bytes]:
    wal = Wal(path)
    found = list(wal.replay())
    assert [index for index, _ in found] == list(range(wal.first_index, wal.next_index))
    wal.close()
    return [payload for _, payload in found]


@given(payloads=PAYLOADS, more=PAYLOADS, segment_bytes=st.integers(1, 400))
def test_wal__any_payloads_in_two_sittings__come_back_in_order(
    payloads: list[bytes], more: list[bytes], segment_bytes: int
) -> None:
    with folder() as path:
        write(path, payloads, segment_bytes)
        write(path, more, segment_bytes)

        assert read(path) == payloads + more


@given(payloads=PAYLOADS, segment_bytes=st.integers(1, 400), cut=st.integers(0, 10_000))
def test_wal__last_file_cut_anywhere__keeps_a_prefix_and_goes_on(
    payloads: list[bytes], segment_bytes: int, cut: int
) -> None:
    with folder() as path:
        write(path, payloads, segment_bytes)
        last = max(path.glob("*.wal"))
        earlier = int(last.stem)
        content = last.read_bytes()
        last.write_bytes(content[: cut % (len(content) + 1)])

        kept = read(path)

        assert kept == payloads[: len(kept)]
        assert len(kept) >= earlier
        write(path, [b"next"], segment_bytes)
        assert read(path) == [*kept, b"next"]


@given(payloads=PAYLOADS.filter(bool), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_wal__any_flipped_bit__is_noticed_or_costs_only_the_last_record(
    payloads: list[bytes], place: int, bit: int
) -> None:
    with folder() as path:
        write(path, payloads, 1 << 20)
        [file] = path.glob("*.wal")
        content = bytearray(file.read_bytes())
        content[place % len(content)] ^= 1 << bit
        file.write_bytes(content)

        try:
            kept = read(path)
        except CorruptStorage:
            assert file.read_bytes() == content, "the evidence is not touched"
            return

        assert kept == payloads[:-1]


@given(payloads=PAYLOADS, garbage=st.binary(max_size=200))
def test_wal__garbage_after_the_end__is_cut_off(payloads: list[bytes], garbage: bytes) -> None:
    with folder() as path:
        write(path, payloads, 1 << 20)
        [file] = path.glob("*.wal")
        file.write_bytes(file.read_bytes() + garbage)

        assert read(path) == payloads


@given(payloads=PAYLOADS, segment_bytes=st.integers(1, 400), before=st.integers(0, 30))
def test_wal__pruned__keeps_everything_from_the_bound_on(
    payloads: list[bytes], segment_bytes: int, before: int
) -> None:
    with folder() as path:
        write(path, payloads, segment_bytes)
        wal = Wal(path, segment_bytes=segment_bytes)
        wal.prune(before)

        found = dict(wal.replay())

        wal.close()
        assert all(found[index] == payload for index, payload in enumerate(payloads) if index >= before)
        assert all(payloads[index] == payload for index, payload in found.items())
        assert read(path) == [found[index] for index in sorted(found)]
