"""Print what one verified token takes in memory, in bytes, while many are remembered.

    jwks_memory.py TOKENS

A process of its own, so that all its growth is theirs.
"""

import asyncio
import gc
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.jwks import claims, rules

from gatepass.jwks import CacheBounds, InlineKeys, Issuer, Verifier
from support.tokens import key_set, signing_key

ALGORITHM = "EdDSA"
"""The quickest to sign; of the signature nothing is kept."""


async def bytes_per_token(count: int) -> float:
    """Verify so many tokens and return what the process grew by, for each."""
    key = signing_key(ALGORITHM)
    bounds = CacheBounds(max_tokens=count, max_bytes=count * 16_384, max_age_seconds=3600)
    verifier = Verifier([Issuer(rules(ALGORITHM), InlineKeys(key_set(key)))], cache=bounds)
    await verifier.start()
    tokens = (key.token(claims(number)) for number in range(count))
    first = next(tokens)
    verifier.verify_warm(first)
    before = _resident_bytes()
    for token in tokens:
        verifier.verify_warm(token)
    grown = _resident_bytes() - before
    verifier.verify_warm(first)
    assert len(verifier._cache) == count
    return grown / count


def _resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    print(asyncio.run(bytes_per_token(int(sys.argv[1]))))
