"""The alt_bn128 curve of EIP-196 and EIP-197 on a native library.

py-evm computes pairings in Python at half a second per pair. `mclbn256` ships
Herumi's mcl; its shared library is initialised here for the curve Ethereum
uses (mcl calls it SNARK1), not for the package's default.

Source: EIP-196, EIP-197; mcl `include/mcl/bn.h`
"""

from ctypes import CDLL, Array, byref, c_char, c_char_p, c_size_t, c_void_p, create_string_buffer
from typing import Final

from mclbn256.mclbn256 import MCLBN_COMPILED_TIME_VAR, loaded_libraries

from optimistic.protocol.errors import CriticalError

FIELD_MODULUS: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
CURVE_ORDER: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617
WORD: Final = 32
G1_WORDS: Final = 2
PAIR_BYTES: Final = 6 * WORD

_SNARK1_CURVE: Final = 4
_G1_FIELDS: Final = 3
_G2_FIELDS: Final = 6
_GT_FIELDS: Final = 12

Buffer = Array[c_char]


def _load() -> CDLL:
    """Initialise the library and declare the functions in use.

    Raises
    ------
    CriticalError : this build of the library does not support the curve
    """
    lib = loaded_libraries["libmclbn256"]
    if lib.mclBn_init(_SNARK1_CURVE, MCLBN_COMPILED_TIME_VAR) != 0:
        raise CriticalError("the native bn254 library does not support alt_bn128")
    for name in ("mclBnFp_setLittleEndian", "mclBnFr_setLittleEndian"):
        getattr(lib, name).argtypes = (c_void_p, c_char_p, c_size_t)
    lib.mclBnFp_getLittleEndian.argtypes = (c_void_p, c_size_t, c_void_p)
    lib.mclBnFp_getLittleEndian.restype = c_size_t
    lib.mclBn_millerLoopVec.argtypes = (c_void_p, c_void_p, c_void_p, c_size_t)
    return lib


_MCL: Final = _load()


def add(data: bytes) -> bytes | None:
    """Add two points of G1; cheaper in Python than the conversions for the library.

    Parameters
    ----------
    data : two points of 64 bytes; missing bytes are zero, excess bytes ignored

    Returns
    -------
    64 bytes, or None if a point is not on the curve
    """
    x1, y1, x2, y2 = _words(data[: 4 * WORD].ljust(4 * WORD, b"\0"))
    if not _is_g1(x1, y1) or not _is_g1(x2, y2):
        return None
    x, y = _add_affine(x1, y1, x2, y2)
    return x.to_bytes(WORD, "big") + y.to_bytes(WORD, "big")


def _is_g1(x: int, y: int) -> bool:
    """Whether the coordinates are below the modulus and on the curve; (0, 0) is infinity.

    The order of G1 is prime, so on the curve is in the group. The library's own
    check tests the order, which is slow.
    """
    if x >= FIELD_MODULUS or y >= FIELD_MODULUS:
        return False
    return (y * y - x * x * x - 3) % FIELD_MODULUS == 0 or (x == 0 and y == 0)


def _add_affine(x1: int, y1: int, x2: int, y2: int) -> tuple[int, int]:
    """Add two points of G1 by chord and tangent."""
    if x1 == 0 and y1 == 0:
        return x2, y2
    if x2 == 0 and y2 == 0:
        return x1, y1
    if x1 != x2:
        slope = (y2 - y1) * pow(x2 - x1, -1, FIELD_MODULUS)
    elif y1 == y2:
        slope = 3 * x1 * x1 * pow(2 * y1, -1, FIELD_MODULUS)
    else:
        return 0, 0
    x = (slope * slope - x1 - x2) % FIELD_MODULUS
    return x, (slope * (x1 - x) - y1) % FIELD_MODULUS


def multiply(data: bytes) -> bytes | None:
    """Multiply a point of G1 by a 256-bit scalar.

    Parameters
    ----------
    data : point of 64 bytes and scalar of 32; missing bytes are zero, excess bytes ignored

    Returns
    -------
    64 bytes, or None if the point is not on the curve
    """
    padded = data[: 3 * WORD].ljust(3 * WORD, b"\0")
    point = _read_g1(padded[: 2 * WORD])
    if point is None:
        return None
    scalar = create_string_buffer(WORD)
    reduced = int.from_bytes(padded[2 * WORD :], "big") % CURVE_ORDER
    _MCL.mclBnFr_setLittleEndian(scalar, reduced.to_bytes(WORD, "little"), WORD)
    _MCL.mclBnG1_mul(point, point, scalar)
    return _write_g1(point)


def pairing_check(data: bytes) -> bool | None:
    """Whether the product of the pairings of all pairs is one.

    Parameters
    ----------
    data : pairs of 192 bytes, a G1 point then a G2 point with imaginary parts first

    Returns
    -------
    The answer, or None if the length is wrong or a point is not in its group
    """
    if len(data) % PAIR_BYTES:
        return None
    lefts, rights = [], []
    for start in range(0, len(data), PAIR_BYTES):
        left = _read_g1(data[start : start + 2 * WORD])
        right = _read_g2(data[start + 2 * WORD : start + PAIR_BYTES])
        if left is None or right is None:
            return None
        if any(left.raw) and any(right.raw):
            lefts.append(left.raw)
            rights.append(right.raw)
    if not lefts:
        return True
    product = create_string_buffer(_GT_FIELDS * WORD)
    _MCL.mclBn_millerLoopVec(product, _pack(lefts), _pack(rights), len(lefts))
    _MCL.mclBn_finalExp(product, product)
    return bool(_MCL.mclBnGT_isOne(product))


def _pack(points: list[bytes]) -> Buffer:
    """Join points into one C buffer."""
    joined = b"".join(points)
    return create_string_buffer(joined, len(joined))


def _words(data: bytes) -> list[int]:
    """Split bytes into big-endian 32-byte integers."""
    return [int.from_bytes(data[start : start + WORD], "big") for start in range(0, len(data), WORD)]


def _fill(point: Buffer, coordinates: list[int]) -> None:
    """Set the field elements of a point, in order."""
    for index, coordinate in enumerate(coordinates):
        _MCL.mclBnFp_setLittleEndian(byref(point, index * WORD), coordinate.to_bytes(WORD, "little"), WORD)


def _read_g1(data: bytes) -> Buffer | None:
    """Read 64 bytes as a G1 point, all zero for infinity; None if invalid."""
    x, y = _words(data)
    if not _is_g1(x, y):
        return None
    point = create_string_buffer(_G1_FIELDS * WORD)
    if x or y:
        _fill(point, [x, y, 1])
    return point


def _read_g2(data: bytes) -> Buffer | None:
    """Read 128 bytes as a point of G2's prime-order subgroup, all zero for infinity; None if invalid."""
    x_imaginary, x_real, y_imaginary, y_real = words = _words(data)
    point = create_string_buffer(_G2_FIELDS * WORD)
    if not any(words):
        return point
    if any(word >= FIELD_MODULUS for word in words):
        return None
    _fill(point, [x_real, x_imaginary, y_real, y_imaginary, 1, 0])
    valid = _MCL.mclBnG2_isValid(point) and _MCL.mclBnG2_isValidOrder(point)
    return point if valid else None


def _write_g1(point: Buffer) -> bytes:
    """Write a G1 point as 64 bytes, zero for infinity."""
    if _MCL.mclBnG1_isZero(point):
        return bytes(2 * WORD)
    _MCL.mclBnG1_normalize(point, point)
    out = create_string_buffer(WORD)
    coordinates = []
    for index in range(G1_WORDS):
        written = _MCL.mclBnFp_getLittleEndian(out, WORD, byref(point, index * WORD))
        coordinates.append(out.raw[:written][::-1].rjust(WORD, b"\0"))
    return b"".join(coordinates)
