"""Every size, depth and time that bounds what a stranger can make us read.

The numbers are defaults of requirement SEC-09 and its neighbors; a deployment that needs another
one builds its own `Limits`. Nothing here is negotiable by a token or by a key set.
"""

from dataclasses import dataclass

MAX_LEEWAY_SECONDS = 60
"""Clock skew that a setting may allow at most (SEC-11)."""

MAX_NUMERIC_DATE = 2**53
"""Above this a JSON number is no longer an exact integer everywhere (RFC 8259 section 6)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on untrusted input; sizes in bytes unless the name says otherwise."""

    max_token_bytes: int = 16 * 1024
    max_header_bytes: int = 2 * 1024
    max_json_depth: int = 20
    max_kid_chars: int = 256
    max_subject_chars: int = 255
    max_key_set_bytes: int = 512 * 1024
    max_answer_bytes: int = 64 * 1024
    max_keys: int = 100
    min_rsa_bits: int = 2048
    max_rsa_bits: int = 8192


DEFAULT_LIMITS = Limits()
