from gatepass.jwks.errors import TokenFault
from gatepass.jwks.unusable_tokens import MAX_TOKENS, UnusableTokens


def digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_a_refusal_is_known_for_its_time() -> None:
    tokens = UnusableTokens()
    assert tokens.why(digest(1), 0) is None
    tokens.remember(digest(1), TokenFault.INACTIVE, 10)
    tokens.remember(digest(2), "status", 1)
    assert tokens.why(digest(1), 9.9) is TokenFault.INACTIVE
    assert tokens.why(digest(2), 0.5) == "status"
    assert tokens.why(digest(1), 10) is None
    assert len(tokens) == 1
    assert tokens.why(digest(3), 0) is None


def test_sec_24_made_up_tokens_fill_a_bounded_memory() -> None:
    tokens = UnusableTokens()
    for number in range(MAX_TOKENS):
        tokens.remember(digest(number), TokenFault.INACTIVE, 10)
    tokens.remember(digest(0), TokenFault.EXPIRED, 10)
    tokens.remember(digest(MAX_TOKENS), TokenFault.INACTIVE, 10)
    assert len(tokens) == MAX_TOKENS
    assert tokens.why(digest(0), 0) is TokenFault.EXPIRED, "the last one to be asked about"
    assert tokens.why(digest(1), 0) is None
