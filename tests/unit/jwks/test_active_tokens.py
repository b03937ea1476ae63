"""Which opaque tokens were good lately."""

from gatepass.jwks.active_tokens import MAX_TOKENS, ActiveTokens


def test_a_token_is_known_until_it_is_refused() -> None:
    tokens = ActiveTokens()
    assert b"a" not in tokens
    tokens.remember(b"a")
    assert b"a" in tokens
    tokens.forget(b"a")
    tokens.forget(b"never there")
    assert b"a" not in tokens
    assert len(tokens) == 0


def test_sec_24_what_was_not_asked_about_for_the_longest_time_goes_first() -> None:
    tokens = ActiveTokens()
    digests = [number.to_bytes(4) for number in range(MAX_TOKENS)]
    for digest in digests:
        tokens.remember(digest)
    tokens.remember(digests[0])
    tokens.remember(b"one more")
    assert len(tokens) == MAX_TOKENS
    assert digests[0] in tokens
    assert digests[1] not in tokens
    assert b"one more" in tokens
