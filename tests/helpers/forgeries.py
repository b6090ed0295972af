"""Witnesses that are wrong in every way: words changed, items missing, more, elsewhere, of another step."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final

from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.params import RollupParams
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.prover import Verifier
from optimistic.protocol.stepper.step import RESTING
from optimistic.protocol.stepper.tape import Range, Tape
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.contract_host import Reverted
from tests.helpers.onchain_host import OnchainHost
from tests.helpers.stepper_batch import Proven

WORD: Final = 32
LISTS: Final = ("ranges", "proofs", "blobs")
LAST_STEP: Final = (1 << STEP_BITS) - 1


class Verifiers:
    """The verifier in both languages; what both say of a proof.

    Parameters
    ----------
    deposit_hashes : what the inbox stores; zero beyond
    """

    def __init__(self, params: RollupParams, deposit_hashes: tuple[Hash32, ...]) -> None:
        self._host: Final = OnchainHost(params, dict(enumerate(deposit_hashes)))
        self._python: Final = Verifier(
            params, lambda index: deposit_hashes[index] if index < len(deposit_hashes) else ZERO_HASH
        )

    def on_l1(self, step: Proven, witness: bytes) -> Hash32 | None:
        """Return the hash after the step, None if the contracts refuse the witness, in whatever way."""
        try:
            return self._host.prove(step, witness)
        except (Reverted, RuntimeError):
            return None

    def in_python(self, step: Proven, witness: bytes) -> Hash32 | None:
        """Return the hash after the step, None if the witness is refused; nothing else is ever raised."""
        try:
            return self._python.step(step.pre, step.j, step.v, step.acc, Witness.decode(witness))
        except InvalidWitness:
            return None

    def both(self, step: Proven, witness: bytes) -> tuple[Hash32 | None, Hash32 | None]:
        """Return what L1 and Python say."""
        return self.on_l1(step, witness), self.in_python(step, witness)


def executes(step: Proven) -> bool:
    """Whether the place in the trace lets the machine do anything: elsewhere it stays or fails by that alone.

    There L1 looks at nothing of a witness but the machine.
    """
    begins_batch = step.j % (1 << UNIT_BITS) == 0
    if step.v:
        return step.phase not in RESTING
    if step.phase is Phase.IDLE:
        return begins_batch and step.acc != ZERO_HASH
    return step.phase is Phase.BOUNDARY and not begins_batch


# ------------------------------------------------------------------------------------------- bytes


def changed_words(right: bytes, random: Random, per_word: int) -> Iterator[bytes]:
    """Yield the bytes with a bit of a word changed: `per_word` of the highest, the lowest and any."""
    for start in range(0, len(right), WORD):
        bits = (0, 8 * WORD - 1, random.randrange(8 * WORD))
        for bit in random.sample(bits, per_word):
            wrong = bytearray(right)
            wrong[start + bit // 8] ^= 0x80 >> bit % 8
            yield bytes(wrong)


def zeroed_words(right: bytes) -> Iterator[bytes]:
    """Yield the bytes with each word replaced by its neighbour, and by zero or the highest."""
    for start in range(0, len(right), WORD):
        for word in (bytes(WORD), b"\xff" * WORD, right[start - WORD : start]):
            if word not in (b"", right[start : start + WORD]):
                yield right[:start] + word + right[start + WORD :]


def of_other_length(right: bytes) -> Iterator[bytes]:
    """Yield the bytes cut off anywhere, and longer."""
    yield from (right[:length] for length in (0, 1, 31, 32, 64, len(right) // 2, len(right) - WORD))
    yield from (right[:-1], right + b"\0", right + bytes(WORD), right + b"\xff" * WORD, right + right)


# ------------------------------------------------------------------------------------------- items


def misplaced(right: Witness) -> Iterator[Witness]:
    """Yield witnesses with items missing, doubled, in another order or in another list."""
    for name in LISTS:
        items = getattr(right.tape, name)
        for i, item in enumerate(items):
            rest = items[:i] + items[i + 1 :]
            yield _with(right, name, rest)
            yield _with(right, name, (*items, item))
            yield from _others(right, (_with(right, name, (*items[i:], *items[:i])),))
            for other, convert in _elsewhere(name):
                moved = _with(right, name, rest)
                yield _with(moved, other, (*getattr(right.tape, other), convert(item)))
    yield replace(right, code=right.code + b"\0")
    yield replace(right, code=right.code[:-1] if right.code else b"\0")
    yield replace(right, stack=(*right.stack, 0))
    fewer = (replace(right, tape=Tape()), replace(right, stack=right.stack[1:]))
    yield from _others(right, (*fewer, replace(right, stack=right.stack[::-1])))


def _others(right: Witness, witnesses: Iterable[Witness]) -> Iterator[Witness]:
    """Yield those that are not the right one."""
    return (witness for witness in witnesses if witness != right)


def spoilt(right: Witness) -> Iterator[Witness]:
    """Yield witnesses with one item a little wrong: a byte changed, a part missing or more."""
    for i, item in enumerate(right.stack):
        yield replace(right, stack=(*right.stack[:i], item ^ 1, *right.stack[i + 1 :]))
    if right.stack:
        yield replace(right, stack_rest=Hash32(_flipped(right.stack_rest, WORD - 1)))
    for name in LISTS:
        items = getattr(right.tape, name)
        for i, item in enumerate(items):
            for other in _spoilt_item(item):
                yield _with(right, name, (*items[:i], other, *items[i + 1 :]))


def _spoilt_item(item: Range | tuple[bytes, ...] | bytes) -> Iterator[object]:
    if isinstance(item, bytes):
        yield from _spoilt_bytes(item)
    elif isinstance(item, Range):
        yield from (item._replace(words=words) for words in _spoilt_bytes(item.words))
        siblings = item.siblings
        yield item._replace(siblings=(*siblings, ZERO_HASH))
        if siblings:
            yield item._replace(siblings=siblings[:-1])
            yield item._replace(siblings=(*siblings[:-1], Hash32(_flipped(siblings[-1], 0))))
        if siblings[::-1] != siblings:
            yield item._replace(siblings=siblings[::-1])
    else:
        for i, node in enumerate(item):
            yield from ((*item[:i], other, *item[i + 1 :]) for other in _spoilt_bytes(node))
        if item:
            yield item[:-1]
        yield (*item, b"\x80")


def _spoilt_bytes(data: bytes) -> Iterator[bytes]:
    """Yield bytes with one changed, without the last, and with a word more."""
    if data:
        yield from (_flipped(data, place) for place in sorted({0, len(data) // 2, len(data) - 1}))
        yield data[:-1]
    yield data + bytes(WORD)


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def _elsewhere(name: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield the other lists, and how an item of this one would look there."""
    for other, shape in _SHAPES.items():
        if other != name:
            yield other, partial(_reshaped, _BYTES[name], shape)


def _reshaped(flat: Callable[[Any], bytes], shape: Callable[[bytes], Any], item: Any) -> Any:
    return shape(flat(item))


_BYTES: Final[dict[str, Callable[[Any], bytes]]] = {
    "ranges": lambda item: bytes(item.words),
    "proofs": b"".join,
    "blobs": bytes,
}
_SHAPES: Final[dict[str, Callable[[bytes], Any]]] = {
    "ranges": lambda data: Range(data, ()),
    "proofs": lambda data: (data,),
    "blobs": bytes,
}


def crossed(right: Witness, other: Witness) -> Iterator[Witness]:
    """Yield the witness with parts of that of another step, whose roots are stale here."""
    yield other
    yield replace(right, tape=other.tape)
    yield replace(right, stack=other.stack, stack_rest=other.stack_rest)
    yield replace(right, code=other.code)
    yield replace(other, machine=right.machine)
    for name in LISTS:
        mine, theirs = getattr(right.tape, name), getattr(other.tape, name)
        yield _with(right, name, theirs)
        for i, item in enumerate(theirs[: len(mine)]):
            yield _with(right, name, (*mine[:i], item, *mine[i + 1 :]))


def in_other_phases(right: Witness) -> Iterator[Witness]:
    """Yield the witness with the machine in each phase, and in none: what is done may not be chosen."""
    for phase in range(len(Phase) + 2):
        machine = phase.to_bytes(WORD, "big") + right.machine[WORD:]
        if machine != right.machine:
            yield replace(right, machine=machine)


def _with(witness: Witness, name: str, items: tuple[Any, ...]) -> Witness:
    return replace(witness, tape=replace(witness.tape, **{name: items}))


# ------------------------------------------------------------------------------------------- the question


def asked_otherwise(step: Proven) -> Iterator[Proven]:
    """Yield the step as the answer to other questions: another state, place or batch."""
    for bit in (0, 255):
        pre = int.from_bytes(step.pre, "big") ^ 1 << bit
        yield replace(step, pre=Hash32(pre.to_bytes(WORD, "big")))
    for v in (0, 1, LAST_STEP - 1, LAST_STEP, LAST_STEP + 1, 1 << 64, (1 << 256) - 1):
        yield replace(step, v=v)
    for j in (0, 1, 1 << UNIT_BITS, (1 << UNIT_BITS) + 1, (1 << 256) - (1 << UNIT_BITS), (1 << 256) - 1):
        yield replace(step, j=j)
        yield replace(step, j=j, v=0)
    for acc in (ZERO_HASH, Hash32(b"\x5a" * WORD)):
        yield replace(step, acc=acc)
        yield replace(step, acc=acc, v=0, j=0)
