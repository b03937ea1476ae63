import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from gatepass.jwks.edwards import is_safe_point
from support.tokens import signing_key

P = 2**255 - 19
SIGN = 1 << 255

D = -121665 * pow(121666, -1, P) % P
ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)


def spelled(number: int) -> bytes:
    return number.to_bytes(32, "little")


def test_generated_keys_are_safe() -> None:
    for _ in range(50):
        public = ed25519.Ed25519PrivateKey.generate().public_key()
        assert is_safe_point(public.public_bytes_raw())
    published = signing_key("EdDSA").private.public_key()
    assert isinstance(published, ed25519.Ed25519PublicKey)
    assert is_safe_point(published.public_bytes_raw())


@pytest.mark.parametrize("sign", [0, SIGN])
@pytest.mark.parametrize(
    "y",
    [
        pytest.param(1, id="identity"),
        pytest.param(P - 1, id="order-2"),
        pytest.param(0, id="order-4"),
        pytest.param(ORDER_8, id="order-8"),
        pytest.param(P - ORDER_8, id="order-8-other"),
        pytest.param(P, id="0-not-canonical"),
        pytest.param(P + 1, id="1-not-canonical"),
        pytest.param(P + 3, id="not-canonical"),
        pytest.param(2, id="not-on-the-curve"),
    ],
)
def test_sec_28_points_that_prove_nothing_are_refused(y: int, sign: int) -> None:
    assert not is_safe_point(spelled(y | sign))


def test_the_points_of_order_8_are_those_that_double_to_one_of_order_4() -> None:
    assert (D * ORDER_8**4 + 2 * ORDER_8**2) % P == 1


@pytest.mark.parametrize("size", [0, 31, 33, 57])
def test_a_key_has_32_octets(size: int) -> None:
    assert not is_safe_point(bytes(range(9, 9 + size)))


def test_the_base_point_is_safe() -> None:
    assert is_safe_point(spelled(4 * pow(5, -1, P) % P))
