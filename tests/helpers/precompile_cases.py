"""Inputs of the precompiled contracts: valid, nearly valid, and made to be expensive."""

from hashlib import sha256

from hypothesis import strategies as st
from py_ecc import optimized_bn128 as curve

FIELD_MODULUS = curve.field_modulus
ORDER = curve.curve_order
BLS_ORDER = 52435875175126190479447740508185965837690552500527637822603658699938581184513
GENERATOR_X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
INFINITY_48 = b"\xc0" + bytes(47)


def word(value: int) -> bytes:
    """A 32-byte big-endian number."""
    return value.to_bytes(32, "big")


def g1(scalar: int) -> bytes:
    """The multiple of bn254's G1 generator."""
    if scalar % ORDER == 0:
        return bytes(64)
    x, y = curve.normalize(curve.multiply(curve.G1, scalar % ORDER))
    return word(x.n) + word(y.n)


def g2(scalar: int) -> bytes:
    """The multiple of bn254's G2 generator, imaginary parts first."""
    if scalar % ORDER == 0:
        return bytes(128)
    point = curve.normalize(curve.multiply(curve.G2, scalar % ORDER))
    x, y = ([int(part) for part in coordinate.coeffs] for coordinate in point)
    return word(x[1]) + word(x[0]) + word(y[1]) + word(y[0])


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    """A well-formed MODEXP input."""
    return word(len(base)) + word(len(exponent)) + word(len(modulus)) + base + exponent + modulus


def kzg_input(y: int = 0, point: int = 3) -> bytes:
    """An opening of the zero polynomial; wrong unless `y` is zero."""
    versioned = b"\x01" + sha256(INFINITY_48).digest()[1:]
    return versioned + word(point) + word(y) + INFINITY_48 + INFINITY_48


words = st.one_of(st.integers(0, 64), st.integers(0, (1 << 256) - 1)).map(word)
points = st.one_of(
    st.integers(0, 5).map(g1),
    st.sampled_from((word(1) + word(1), word(1) + word(2 + FIELD_MODULUS), word(0) + word(1), b"\xff" * 64)),
)
twists = st.one_of(st.integers(0, 3).map(g2), st.sampled_from((word(1) * 4, g2(1)[:96] + b"\xff" * 32)))
lengths = st.one_of(
    st.sampled_from((0, 1, 31, 32, 33, 64, 1_023, 1_024, 1_025)),
    st.integers(0, 80),
    st.integers(0, 255).map(lambda bit: 1 << bit),
    st.sampled_from(((1 << 256) - 1, (1 << 64) - 1, 1 << 64, (1 << 72) - 1, 1 << 72, (1 << 72) + 1)),
)


@st.composite
def hostile_modexp(draw: st.DrawFn) -> bytes:
    """MODEXP headers of any lengths with operands that need not be there."""
    header = b"".join(word(draw(lengths)) for _ in range(3))
    return (header + draw(st.binary(max_size=200)))[: draw(st.integers(0, 296))]


@st.composite
def modexp_operands(draw: st.DrawFn) -> bytes:
    """MODEXP of small operands, zero ones and empty ones included."""
    base, exponent, modulus = (draw(st.binary(max_size=70)) for _ in range(3))
    return modexp_input(base, exponent, modulus)[: draw(st.sampled_from((10**6, 97, 120)))]


@st.composite
def _signatures(draw: st.DrawFn) -> bytes:
    v = draw(st.sampled_from((27, 28, 26, 29, 27 + (1 << 255))))
    scalars = st.sampled_from((0, 1, GENERATOR_X, 5, SECP256K1_ORDER - 1, SECP256K1_ORDER))
    return draw(words) + word(v) + word(draw(scalars)) + word(draw(scalars))


@st.composite
def _compressions(draw: st.DrawFn) -> bytes:
    rounds = draw(st.one_of(st.integers(0, 30), st.sampled_from((1 << 21, (1 << 21) + 1, (1 << 32) - 1))))
    flag = draw(st.sampled_from((b"\0", b"\x01", b"\x02", b"\xff")))
    return rounds.to_bytes(4, "big") + draw(st.binary(min_size=208, max_size=208)) + flag


_SHAPED = {
    1: _signatures(),
    2: st.integers(0, 70_000).map(bytes),
    3: st.integers(0, 70_000).map(bytes),
    4: st.integers(0, 70_000).map(bytes),
    5: st.one_of(modexp_operands(), hostile_modexp()),
    6: st.builds(lambda left, right: left + right, points, points),
    7: st.builds(lambda point, scalar: point + scalar, points, words),
    8: st.lists(st.builds(lambda left, right: left + right, points, twists), max_size=3).map(b"".join),
    9: _compressions(),
    10: st.builds(kzg_input, st.sampled_from((0, 1)), st.sampled_from((3, BLS_ORDER, BLS_ORDER - 1))),
}


@st.composite
def inputs(draw: st.DrawFn, number: int) -> bytes:
    """Inputs of one precompile: shaped, cut short, too long, or just bytes."""
    shaped = draw(_SHAPED[number])
    cut = draw(st.one_of(st.just(0), st.integers(0, 40)))
    return draw(
        st.one_of(
            st.just(shaped),
            st.just(shaped[: max(len(shaped) - cut, 0)]),
            st.just(shaped + bytes(cut)),
            st.binary(max_size=250),
        )
    )
