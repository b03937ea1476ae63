"""Which octet strings are public keys that Ed25519 can rely on (RFC 8032 section 5.1.3).

OpenSSL takes any 32 octets as a key and finds out at each verification. We look once: the point
must be on the curve, spelled canonically, and not one of the eight points of small order, under
which a single signature fits every message.
"""

from typing import Final

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_POINT_BYTES: Final = 32
_Y_BITS: Final = 255

# Order 1, 2 and 4 stand at y = 1, -1 and 0; order 8 where d*y^4 + 2*y^2 = 1 (all modulo p).
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDERS: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


def is_safe_point(octets: bytes) -> bool:
    """Say whether these are 32 octets that spell a point of large order."""
    if len(octets) != _POINT_BYTES:
        return False
    y = int.from_bytes(octets, "little") & (1 << _Y_BITS) - 1
    if y >= _P or y in _SMALL_ORDERS:
        return False
    # -x^2 + y^2 = 1 + d*x^2*y^2: the point exists where x^2 = (y^2 - 1) / (d*y^2 + 1) is a square,
    # and so is the product of the two (Euler's criterion; neither is zero here).
    return pow((y * y - 1) * (_D * y * y + 1), (_P - 1) // 2, _P) == 1
