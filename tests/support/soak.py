"""Long runs: `make soak` tries many more examples of what `make test` samples."""

import os

SOAKING = "GATEPASS_SOAK" in os.environ
_TIMES_AS_MANY = 40


def examples(sample: int) -> int:
    """Return how many examples to try: the sample, or many times as many in a long run."""
    return sample * _TIMES_AS_MANY if SOAKING else sample
