"""Random programs of valid-looking pieces that call each other and run into every kind of end."""

from hypothesis import strategies as st

from tests.helpers.assembly import asm

ORIGIN = bytes.fromhex("aa" * 20)
CONTRACTS = tuple(bytes((number,)) * 20 for number in (0xC1, 0xC2, 0xC3))
BALANCE = 10**6

PLAIN = (
    *range(0x01, 0x0C),
    *range(0x10, 0x1E),
    *(0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3A, 0x3D),
    *range(0x41, 0x49),
    *(0x49, 0x4A, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x58, 0x59, 0x5A, 0x5B, 0x5C, 0x5D, 0x5F),
    *range(0x80, 0x90),
    *range(0x90, 0xA0),
)
SMALL = st.one_of(
    st.integers(0, 4), st.integers(0, 300), st.sampled_from((2**255, 2**256 - 1, 2**160, 2**64))
)


def memory_range() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, 200), st.integers(0, 100))


@st.composite
def pieces(draw: st.DrawFn) -> bytes:
    kind = draw(st.integers(0, 9))
    if kind <= 3:
        return asm(draw(SMALL), draw(SMALL)) + bytes((draw(st.sampled_from(PLAIN)),))
    if kind == 4:
        start, size = draw(memory_range())
        return asm(size, draw(st.integers(0, 60)), start) + bytes(
            (draw(st.sampled_from((0x37, 0x39, 0x3E, 0x5E))),)
        )
    if kind == 5:
        topics = draw(st.integers(0, 4))
        start, size = draw(memory_range())
        return asm(*range(topics), size, start) + bytes((0xA0 + topics,))
    if kind == 6:
        return draw(calls())
    if kind == 7:
        start, size = draw(memory_range())
        salt = asm(draw(st.integers(0, 2)))
        value = draw(st.sampled_from((0, 1, 2 * BALANCE)))
        create2 = draw(st.booleans())
        return (salt if create2 else b"") + asm(size, start, value) + bytes((0xF5 if create2 else 0xF0,))
    if kind == 8:
        account = int.from_bytes(draw(st.sampled_from((*CONTRACTS, ORIGIN, b"\x77" * 20))), "big")
        return asm(account) + bytes((draw(st.sampled_from((0x31, 0x3B, 0x3F))),))
    return draw(endings())


@st.composite
def calls(draw: st.DrawFn) -> bytes:
    opcode = draw(st.sampled_from((0xF1, 0xF2, 0xF4, 0xFA)))
    target = draw(st.sampled_from((*CONTRACTS, ORIGIN, b"\x66" * 20, b"\1", b"\2", b"\3", b"\4", b"\x09")))
    in_start, in_size = draw(memory_range())
    out_start, out_size = draw(memory_range())
    code = asm(out_size, out_start, in_size, in_start)
    if opcode in (0xF1, 0xF2):
        code += asm(draw(st.sampled_from((0, 0, 1, 2 * BALANCE))))
    gas = draw(st.sampled_from((asm(0), asm(3_000), b"\x5a")))
    return code + asm(int.from_bytes(target, "big")) + gas + bytes((opcode,))


@st.composite
def endings(draw: st.DrawFn) -> bytes:
    start, size = draw(memory_range())
    target = int.from_bytes(draw(st.sampled_from((*CONTRACTS, b"\x55" * 20))), "big")
    return draw(
        st.sampled_from(
            (
                b"\x00",
                b"\xfe",
                asm(size, start) + b"\xf3",
                asm(size, start) + b"\xfd",
                asm(target) + b"\xff",
                asm(draw(SMALL)) + b"\x56",
                asm(draw(st.integers(0, 1)), draw(st.integers(0, 60))) + b"\x57",
            )
        )
    )


programs = st.lists(pieces(), min_size=1, max_size=25).map(b"".join)
