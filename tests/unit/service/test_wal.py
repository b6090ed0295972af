import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from optimistic.service.storage_errors import CorruptStorage, DiskFull
from optimistic.service.wal import SyncPolicy, Wal, WalClosed
from tests.helpers.file_limit import file_size_limit, writes_until_full


def fill(folder: Path, payloads: list[bytes], segment_bytes: int = 1 << 20) -> Wal:
    wal = Wal(folder, segment_bytes=segment_bytes)
    for payload in payloads:
        wal.append(payload)
    return wal


def contents(folder: Path) -> list[bytes]:
    wal = Wal(folder)
    found = [payload for _, payload in wal.replay()]
    assert wal.next_index - wal.first_index == len(found)
    wal.close()
    return found


def only_segment(folder: Path) -> Path:
    [segment] = folder.glob("*.wal")
    return segment


def test_wal__append_and_reopen__replays_everything_in_order(tmp_path: Path) -> None:
    payloads = [b"", b"a", b"bc" * 1000]

    wal = fill(tmp_path, payloads)

    assert list(wal.replay()) == list(enumerate(payloads))
    wal.close()
    assert contents(tmp_path) == payloads


@pytest.mark.parametrize("policy", list(SyncPolicy))
def test_wal__each_policy__keeps_records_without_close(tmp_path: Path, policy: SyncPolicy) -> None:
    wal = Wal(tmp_path, sync_policy=policy)

    assert [wal.append(b"x"), wal.append(b"y")] == [0, 1]
    wal.sync()

    assert contents(tmp_path) == [b"x", b"y"]


def test_wal__many_segments__are_read_as_one_log(tmp_path: Path) -> None:
    payloads = [bytes([n]) * 30 for n in range(50)]

    fill(tmp_path, payloads, segment_bytes=200).close()

    assert len(list(tmp_path.glob("*.wal"))) > 5
    assert contents(tmp_path) == payloads
    assert [index for index, _ in Wal(tmp_path).replay(47)] == [47, 48, 49]


def test_wal__prune__drops_whole_old_segments_and_keeps_counting(tmp_path: Path) -> None:
    wal = fill(tmp_path, [bytes([n]) * 30 for n in range(50)], segment_bytes=200)

    wal.prune(20)

    assert 0 < wal.first_index <= 20
    assert wal.append(b"new") == 50
    assert [index for index, _ in wal.replay()] == list(range(wal.first_index, 51))
    wal.close()
    assert Wal(tmp_path).next_index == 51


def test_wal__tail_torn_at_any_byte__loses_only_the_torn_record(tmp_path: Path) -> None:
    fill(tmp_path, [b"first", b"second", b"third"]).close()
    path = only_segment(tmp_path)
    whole = path.read_bytes()
    sizes = [len(b"first"), len(b"second"), len(b"third")]
    ends = [8 + sum(20 + size for size in sizes[: n + 1]) for n in range(3)]

    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        kept = sum(1 for end in ends if end <= cut)

        assert contents(tmp_path) == [b"first", b"second", b"third"][:kept], cut
        wal = Wal(tmp_path)
        assert wal.append(b"next") == kept
        wal.close()
        assert contents(tmp_path)[-1] == b"next"


@pytest.mark.parametrize("offset", [0, 4, 8, 12, 20, 24])
def test_wal__damage_before_intact_records__stops_and_names_the_fix(tmp_path: Path, offset: int) -> None:
    fill(tmp_path, [b"first", b"second", b"third"]).close()
    path = only_segment(tmp_path)
    content = bytearray(path.read_bytes())
    content[8 + 25 + offset] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(CorruptStorage, match=r"record 1 .* restore the file from a backup"):
        Wal(tmp_path)

    assert path.read_bytes() == content


def test_wal__damage_in_an_older_segment__stops(tmp_path: Path) -> None:
    fill(tmp_path, [b"x" * 100] * 9, segment_bytes=200).close()
    first = min(tmp_path.glob("*.wal"))
    first.write_bytes(first.read_bytes()[:-1])

    with pytest.raises(CorruptStorage):
        Wal(tmp_path)


def test_wal__missing_segment__stops(tmp_path: Path) -> None:
    fill(tmp_path, [b"x" * 100] * 9, segment_bytes=200).close()
    sorted(tmp_path.glob("*.wal"))[1].unlink()

    with pytest.raises(CorruptStorage, match="lacks records 2 to 3"):
        Wal(tmp_path)


def test_wal__foreign_file__is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{0:020d}.wal").write_bytes(b"something else entirely")

    with pytest.raises(CorruptStorage, match="is not a log file"):
        Wal(tmp_path)


def test_wal__payload_that_looks_like_a_record__does_not_fool_recovery(tmp_path: Path) -> None:
    fill(tmp_path / "inner", [b"old"]).close()
    forged = only_segment(tmp_path / "inner").read_bytes()[8:]
    folder = tmp_path / "outer"
    fill(folder, [b"x", b"y", forged]).close()
    path = only_segment(folder)
    path.write_bytes(path.read_bytes() + b"\xf5\x57\xa1\x0d" + b"torn")

    assert contents(folder) == [b"x", b"y", forged]


def test_wal__disk_full__keeps_what_was_stored_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    wal = Wal(tmp_path)
    with file_size_limit(10_000):
        stored = writes_until_full(lambda _number: wal.append(b"x" * 700))
        assert only_segment(tmp_path).stat().st_size <= 10_000

    assert wal.next_index == stored > 5
    assert wal.append(b"after") == stored
    wal.sync()
    assert contents(tmp_path) == [b"x" * 700] * stored + [b"after"]


def test_wal__disk_full_at_a_new_segment__leaves_no_half_file(tmp_path: Path) -> None:
    wal = fill(tmp_path, [b"x" * 300], segment_bytes=200)

    with file_size_limit(4), pytest.raises(DiskFull):
        wal.append(b"y")

    assert wal.append(b"z") == 1
    assert contents(tmp_path) == [b"x" * 300, b"z"]


def test_wal__closed__refuses_to_write(tmp_path: Path) -> None:
    wal = fill(tmp_path, [b"x"])
    wal.close()
    wal.close()

    with pytest.raises(WalClosed):
        wal.append(b"y")


def test_wal__threads__get_distinct_indexes_and_lose_nothing(tmp_path: Path) -> None:
    wal = Wal(tmp_path, segment_bytes=2_000)

    def work(name: int) -> None:
        for number in range(50):
            wal.append(f"{name}:{number}".encode())
            wal.sync()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = [payload.decode() for _, payload in wal.replay()]
    assert sorted(found) == sorted(f"{name}:{number}" for name in range(4) for number in range(50))
    for name in range(4):
        mine = [item for item in found if item.startswith(f"{name}:")]
        assert mine == [f"{name}:{number}" for number in range(50)]


WRITER = """
import sys
from pathlib import Path
from optimistic.service.wal import Wal
wal = Wal(Path(sys.argv[1]), segment_bytes=5_000)
while True:
    index = wal.append(b"%d:" % wal.next_index + b"x" * (wal.next_index * 37 % 500))
    wal.sync()
    print(index, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged", [1, 40])
def test_wal__killed_while_writing__keeps_every_acknowledged_record(
    tmp_path: Path, acknowledged: int
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    last = -1
    for line in writer.stdout:
        last = int(line)
        if last >= acknowledged:
            break
    os.kill(writer.pid, signal.SIGKILL)
    last = max([last, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    writer.wait()
    writer.stdout.close()

    found = contents(tmp_path)

    assert len(found) > last
    for index, payload in enumerate(found):
        assert payload == b"%d:" % index + b"x" * (index * 37 % 500)
