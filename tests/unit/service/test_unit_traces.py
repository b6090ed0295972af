"""Real traces in every region of the 2^25 units, each step checked as L1 would; restarts and bounds."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.dispute.traces import Traces
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.params import DEVNET, MINIMAL, RollupParams
from optimistic.protocol.stepper.prover import Verifier
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import Hash32
from optimistic.service import trace_job
from optimistic.service.clock import FakeClock
from optimistic.service.storage_errors import CorruptStorage, StorageFailed
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_job import CheckJob, Done, Failed, Job, TraceJob, first_disagreement
from optimistic.service.trace_workers import Ended, InlineWorker
from optimistic.service.unit_inputs import UnitPlace
from optimistic.service.unit_traces import TraceShop, UnitTraces
from tests.helpers.unit_batches import HandMadeBatches, three_batches

LAST_STEP = (1 << STEP_BITS) - 1
LAST_UNIT = (1 << UNIT_BITS + 10) - 1
SECOND, THIRD, MISSING = 1 << UNIT_BITS, 2 << UNIT_BITS, 3 << UNIT_BITS
REGIONS = {
    "begin batch": 0,
    "block begin": 1,
    "deposit": 2,
    "transfer": 3,
    "creation": 4,
    "block end": 5,
    "end of the batch": 6,
    "just behind the batch": 7,
    "last place of the batch": SECOND - 1,
    "begin the second batch": SECOND,
    "call in the second batch": SECOND + 2,
    "skipped bytes": SECOND + 3,
    "call that reverts": SECOND + 4,
    "begin the empty batch": THIRD,
    "end of the last batch": THIRD + 3,
    "far behind the last batch": THIRD + 20_000,
    "beginning of a missing batch": MISSING,
    "inside a missing batch": MISSING + 5,
    "last of all": LAST_UNIT,
}


T = TypeVar("T")


@pytest.fixture(scope="module", params=[(DEVNET, 0), (DEVNET, 1), (MINIMAL, 0)], ids=["k32", "from_1", "k2"])
def batches(request: pytest.FixtureRequest) -> HandMadeBatches:
    params, first = request.param
    return three_batches(params, first=first)


def shop_for(batches: HandMadeBatches, folder: Path, max_bytes: int = 1 << 30) -> TraceShop:
    cache = TraceCache(folder, max_bytes)
    return TraceShop(cache, InlineWorker(batches.nodes, cache), clock=FakeClock())


def traces_of(batches: HandMadeBatches, shop: TraceShop) -> UnitTraces:
    return UnitTraces(batches, shop, batches.params.log_arity)


def made(shop: TraceShop, ask: Callable[..., T | None], *arguments: object) -> T:
    """Ask, let the shop work, ask again."""
    found = ask(*arguments)
    if found is None:
        shop.tend()
        found = ask(*arguments)
    assert found is not None
    return found


def check_step(batches: HandMadeBatches, j: int, v: int, pre: Hash32, witness: bytes) -> Hash32:
    """Verify a step from the witness alone, with what the game knows."""
    deposits = [deposit for batch in batches.batches for deposit in batch.deposits]
    verifier = Verifier(batches.params, lambda index: deposits[index].hash())
    return verifier.step(pre, j, v, batches.acc_of(j), Witness.decode(witness))


@pytest.mark.parametrize("region", REGIONS)
def test_traces__any_unit__leads_to_its_leaf_by_provable_steps(
    batches: HandMadeBatches, tmp_path: Path, region: str
) -> None:
    j = REGIONS[region]
    shop = shop_for(batches, tmp_path)
    traces: Traces = traces_of(batches, shop)

    tree = made(shop, traces.steps, j)

    assert tree.root.end_state == batches.units().node(0, j).hash
    count = 1
    while tree.node(0, count - 1).hash != tree.root.end_state:
        count += 1
    behind = (1 << tree.height * tree.log_arity) - 1
    for v in sorted({0, 1, count // 2, count - 1, count, behind, LAST_STEP}):
        pre = batches.before(j) if v == 0 else tree.node(0, min(v - 1, behind)).hash
        witness = made(shop, traces.witness, j, v)
        assert check_step(batches, j, v, pre, witness) == tree.node(0, min(v, behind)).hash


def test_traces__regions__differ_in_length(tmp_path: Path) -> None:
    batches = three_batches(MINIMAL)
    shop = shop_for(batches, tmp_path)
    traces = traces_of(batches, shop)

    heights = {name: made(shop, traces.steps, j).height for name, j in REGIONS.items()}

    assert heights["begin batch"] == heights["block begin"] == heights["last of all"] == 1
    assert min(heights["transfer"], heights["creation"], heights["call in the second batch"]) > 1


def test_traces__resting_units__need_no_worker(tmp_path: Path) -> None:
    batches = three_batches()
    traces = traces_of(batches, shop_for(batches, tmp_path))

    at_rest = [traces.steps(j) for j in (7, SECOND - 1, MISSING, LAST_UNIT)]

    assert all(tree is not None and tree.root.end_state == tree.node(0, 0).hash for tree in at_rest)
    assert not list(tmp_path.iterdir())


def test_traces__restart_with_the_disk__computes_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = three_batches()
    first = shop_for(batches, tmp_path)
    tree = made(first, traces_of(batches, first).steps, 4)
    witness = made(first, traces_of(batches, first).witness, 4, 5)
    monkeypatch.setattr("optimistic.service.trace_job.open_unit", lambda *_: pytest.fail("computed again"))

    again = traces_of(batches, shop_for(batches, tmp_path))

    found = again.steps(4)
    assert found is not None
    assert (found.root, found.height) == (tree.root, tree.height)
    assert again.witness(4, 5) == witness


def test_traces__restart_with_an_empty_disk__computes_the_same(tmp_path: Path) -> None:
    batches = three_batches()
    first, second = shop_for(batches, tmp_path / "first"), shop_for(batches, tmp_path / "second")

    trees = [made(shop, traces_of(batches, shop).steps, 4) for shop in (first, second)]
    proofs = [made(shop, traces_of(batches, shop).witness, 4, 9) for shop in (first, second)]

    assert trees[0].root == trees[1].root
    assert proofs[0] == proofs[1]


def test_traces__damaged_file__is_made_again(tmp_path: Path) -> None:
    batches = three_batches()
    shop = shop_for(batches, tmp_path)
    tree = made(shop, traces_of(batches, shop).steps, 4)
    [file] = tmp_path.glob("*.trace")
    raw = bytearray(file.read_bytes())

    for position in (0, 8, 9, 20, 60, len(raw) // 2, len(raw) - 1):
        file.write_bytes(bytes(raw[:position]) + bytes([raw[position] ^ 1]) + bytes(raw[position + 1 :]))
        fresh = shop_for(batches, tmp_path)
        assert traces_of(batches, fresh).steps(4) is None
        assert made(fresh, traces_of(batches, fresh).steps, 4).root == tree.root
    for length in (0, 10, 55, 56, len(raw) - 1):
        file.write_bytes(bytes(raw[:length]))
        assert traces_of(batches, shop_for(batches, tmp_path)).steps(4) is None


def test_traces__damaged_witness__is_made_again(tmp_path: Path) -> None:
    batches = three_batches()
    shop = shop_for(batches, tmp_path)
    witness = made(shop, traces_of(batches, shop).witness, 4, 3)
    [file] = tmp_path.glob("*.witness")
    file.write_bytes(file.read_bytes()[:-1] + b"\x99")

    assert traces_of(batches, shop).witness(4, 3) is None
    assert made(shop, traces_of(batches, shop).witness, 4, 3) == witness


def test_traces__other_inputs_under_the_same_place__have_files_of_their_own(tmp_path: Path) -> None:
    batches, other = three_batches(), three_batches()
    other.accs[1] = Hash32(b"\x07" * 32)
    shop = shop_for(batches, tmp_path)

    made(shop, traces_of(batches, shop).steps, 4)

    assert traces_of(other, shop).steps(4) is None


def test_cache__over_its_bound__drops_what_was_not_used_for_longest(tmp_path: Path) -> None:
    batches = three_batches()
    shop = shop_for(batches, tmp_path)
    for j in (1, 4, SECOND + 2):
        made(shop, traces_of(batches, shop).steps, j)
    sizes = {path: path.stat().st_size for path in tmp_path.glob("*.trace")}
    total = sum(sizes.values())
    cache = TraceCache(tmp_path, total - 1)

    reread = shop_for(batches, tmp_path)  # uses the first again
    assert traces_of(batches, reread).steps(1) is not None
    cache.prune()

    left = shop_for(batches, tmp_path)
    assert cache.bytes_used() <= total - 1
    assert traces_of(batches, left).steps(1) is not None
    assert traces_of(batches, left).steps(SECOND + 2) is not None
    assert traces_of(batches, left).steps(4) is None


def test_cache__one_file_above_the_bound__stays(tmp_path: Path) -> None:
    batches = three_batches()
    shop = shop_for(batches, tmp_path, max_bytes=1)

    made(shop, traces_of(batches, shop).steps, 4)
    made(shop, traces_of(batches, shop).steps, 3)

    assert len(list(tmp_path.iterdir())) == 1


def test_cache__dropped_file__stays_readable_for_who_has_it(tmp_path: Path) -> None:
    batches = three_batches()
    shop = shop_for(batches, tmp_path)
    tree = made(shop, traces_of(batches, shop).steps, 4)
    root = tree.root

    for path in tmp_path.iterdir():
        path.unlink()

    assert tree.prove(0, 3)
    assert tree.root == root


def test_cache__leftovers_of_a_killed_writer__are_swept(tmp_path: Path) -> None:
    (tmp_path / "ab.trace.7.part").write_bytes(b"half")

    TraceCache(tmp_path, 1).sweep()

    assert not list(tmp_path.iterdir())


class ScriptedWorkers:
    """Takes jobs up to a limit and ends them as the test says."""

    def __init__(self, limit: int = 1) -> None:
        self.limit = limit
        self.jobs: dict[str, Job] = {}
        self.ended: list[Ended] = []
        self.dropped: list[str] = []

    @property
    def running(self) -> list[str]:
        return list(self.jobs)

    def take(self, job: Job) -> bool:
        if len(self.jobs) >= self.limit:
            return False
        self.jobs[job.name] = job
        return True

    def drop(self, name: str) -> None:
        self.dropped.append(name)
        del self.jobs[name]

    def end(self, name: str, how: Done | Failed) -> None:
        self.ended.append(Ended(self.jobs.pop(name), how))

    def collect(self) -> list[Ended]:
        ended, self.ended = self.ended, []
        return ended

    def close(self) -> None:
        self.jobs.clear()


class Bench:
    """A shop with scripted workers."""

    def __init__(self, folder: Path, limit: int = 1) -> None:
        self.batches = three_batches()
        self.workers = ScriptedWorkers(limit)
        self.clock = FakeClock()
        self.shop = TraceShop(TraceCache(folder, 1 << 20), self.workers, clock=self.clock)

    def ask(self, *names: str) -> None:
        for name in names:
            assert (
                self.shop.trace(name, partial(TraceJob, name=name, inputs=self.batches.inputs(0, 4))) is None
            )

    def check(self, name: str) -> None:
        job = CheckJob(name=name, inputs=self.batches.inputs(0, 0), leaves=())
        self.shop.check(name, lambda: job)


def test_shop__several_wanted__begins_in_the_order_of_asking(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limit=2)

    bench.ask("urgent", "soon", "later")
    bench.shop.tend()

    assert bench.workers.running == ["urgent", "soon"]


def test_shop__running_job_nobody_wants__gives_way(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.ask("old")
    bench.shop.tend()

    bench.shop.tend()
    kept = bench.workers.running
    bench.ask("new")
    bench.shop.tend()

    assert kept == ["old"]
    assert bench.workers.dropped == ["old"]
    assert bench.workers.running == ["new"]


def test_shop__running_job_still_wanted__is_not_given_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.ask("first")
    bench.shop.tend()

    bench.ask("second", "first")
    bench.shop.tend()

    assert bench.workers.running == ["first"]


def test_shop__check_of_a_batch__waits_for_every_trace(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.check("check")
    bench.shop.tend()
    assert bench.workers.running == ["check"]

    bench.check("check")
    bench.ask("trace")
    bench.shop.tend()

    assert bench.workers.running == ["trace"]


def test_shop__job_that_fails__is_tried_again_after_a_growing_pause(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    begun = []
    for _ in range(40):
        bench.ask("job")
        bench.shop.tend()
        if bench.workers.running:
            begun.append(bench.clock.monotonic_s())
            bench.workers.end("job", Failed("no luck"))
        bench.clock.advance(1)

    assert bench.shop.failing() == {"job": 4}
    assert [later - earlier for earlier, later in pairwise(begun)] == [6, 11, 21]


@pytest.mark.parametrize(
    ("how", "error"),
    [(Failed("gone", is_damaged=True), CorruptStorage), (Failed("full", is_full=True), StorageFailed)],
)
def test_shop__trouble_with_the_disk__is_raised(tmp_path: Path, how: Failed, error: type[Exception]) -> None:
    bench = Bench(tmp_path)
    bench.ask("job")
    bench.shop.tend()
    bench.workers.end("job", how)

    with pytest.raises(error):
        bench.shop.tend()


# ---------------------------------------------------------------------------------- two engines


def wrong_at(monkeypatch: pytest.MonkeyPatch, position: int) -> None:
    """Have the transaction engine give one gas too much for what it executes at `position`."""
    real, count = EvmEngine._outcome, [0]

    def lying(self: EvmEngine, *arguments: object, **values: object) -> object:
        outcome = real(self, *arguments, **values)  # type: ignore[arg-type]
        count[0] += 1
        return replace(outcome, gas_used=outcome.gas_used + 1) if count[0] == position else outcome

    monkeypatch.setattr(EvmEngine, "_outcome", lying)


def test_engines__agree__no_unit_is_found() -> None:
    batches = three_batches()

    found = [
        first_disagreement(batches.inputs(offset, 0), batches.leaves(offset), batches.nodes)
        for offset in range(3)
    ]

    assert found == [None, None, None]


@pytest.mark.parametrize(("every", "times"), [(1 << 18, 0), (1, 7)], ids=["few steps", "each counts"])
def test_engines__checked__progress_is_told_after_many_steps_not_after_each_unit(
    monkeypatch: pytest.MonkeyPatch, every: int, times: int
) -> None:
    batches, told = three_batches(), list[int]()
    monkeypatch.setattr(trace_job, "PROGRESS_STEPS", every)

    first_disagreement(batches.inputs(0, 0), batches.leaves(0), batches.nodes, told.append)

    assert len(told) == times


@pytest.mark.parametrize("params", [DEVNET, MINIMAL], ids=["k32", "k2"])
def test_engines__disagree__the_trace_is_the_step_machines_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, params: RollupParams
) -> None:
    right = three_batches(params)
    wrong_at(monkeypatch, 2)  # the transfer, unit 3 of batch 0
    batches = three_batches(params)
    monkeypatch.undo()
    shop = shop_for(batches, tmp_path)
    traces = traces_of(batches, shop)

    tree = made(shop, traces.steps, 3)

    assert tree.root.end_state == right.units().node(0, 3).hash
    assert traces.disagreement(3) is True
    assert made(shop, traces.disagreement, 2) is False
    assert first_disagreement(batches.inputs(0, 0), batches.leaves(0), batches.nodes) == 3


def test_engines__unit_left_to_the_machine__later_units_start_from_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = three_batches()
    engine = EvmEngine._outcome

    def lying(self: EvmEngine, *arguments: object, **values: object) -> object:
        outcome = engine(self, *arguments, **values)  # type: ignore[arg-type]
        wrong = outcome.sender == right.batches[0].deposits[0].sender and outcome.nonce == 0
        return replace(outcome, gas_used=outcome.gas_used + (1 if wrong else 0))

    monkeypatch.setattr(EvmEngine, "_outcome", lying)
    batches = three_batches()
    batches.by_machine = frozenset(
        UnitPlace(0, unit) for unit, _ in enumerate(right.leaves(0)) if unit in (2, 3)
    )
    shop = shop_for(batches, tmp_path)

    tree = made(shop, traces_of(batches, shop).steps, SECOND + 2)

    assert tree.root.end_state == right.units().node(0, SECOND + 2).hash
