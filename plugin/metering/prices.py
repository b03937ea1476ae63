"""What a model costs: what a call used, at which rates.

Rates are nano-dollars per million tokens, whole numbers. The input and the output of a usage are
totals; what is kept in or read from a cache, thought or spoken is a part of them, at a rate of its
own where the price has one, else at that of all other tokens of its side. Above a number of input
tokens a price may be another one for the whole call. An estimate is an upper bound made before the
call, a cost is exact and made after it; both round up, once, so that no call is free by rounding.
Not here: which price a model has, what tools cost beside tokens (searches, say), and tokens that a
body only refers to (images by URL, stored conversations).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from gatepass.plugin.budgets.amounts import MAX_NANO_USD, InvalidAmount, check_amount

TOKENS_PER_PRICE = 1_000_000
MAX_TOKENS = 10**12
"""More tokens than this in one answer are a mistake of whoever counted."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens that one call used; the first two are totals, the others are parts of them.

    `cache_write_1h_tokens` is a part of `cache_write_tokens`, and `cached_audio_tokens` one of
    `cached_tokens` and of `input_audio_tokens`.

    Raises:
        InvalidAmount: a count that is not a whole number from 0 to MAX_TOKENS, or a part that is
            larger than what it is a part of (SEC-59).

    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    output_audio_tokens: int = 0

    def __post_init__(self) -> None:
        parts = (
            self.cached_tokens,
            self.cache_write_tokens,
            self.cache_write_1h_tokens,
            self.reasoning_tokens,
            self.input_audio_tokens,
            self.cached_audio_tokens,
            self.output_audio_tokens,
        )
        for tokens in (self.input_tokens, self.output_tokens, *parts):
            if type(tokens) is not int or not 0 <= tokens <= MAX_TOKENS:
                raise InvalidAmount
        if any(parts):
            self._check_parts()

    def _check_parts(self) -> None:
        fits = (
            self.cached_tokens + self.cache_write_tokens <= self.input_tokens
            and self.cache_write_1h_tokens <= self.cache_write_tokens
            and self.input_audio_tokens <= self.input_tokens
            and self.cached_audio_tokens <= min(self.cached_tokens, self.input_audio_tokens)
            and self.reasoning_tokens <= self.output_tokens
            and self.output_audio_tokens <= self.output_tokens
        )
        if not fits:
            raise InvalidAmount


@dataclass(frozen=True, slots=True)
class PartRates:
    """Rates of the parts of a usage; None is that of the other tokens of its side.

    `cache_write_1h` is by default what any other write costs, `cached_audio` what audio does.
    """

    cached: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    cached_audio: int | None = None
    output_audio: int | None = None


NO_PART_RATES = PartRates()


@dataclass(frozen=True, slots=True)
class Price:
    """What one model costs; `max_output_tokens` bounds an answer whose request names no bound.

    `request_nano` comes on top of every call. `tiers` are numbers of input tokens and the price of
    a call that has more than so many; the version says where the price comes from.

    Raises:
        InvalidAmount: a number that is negative, not whole or too large.

    """

    input_nano_per_million_tokens: int
    output_nano_per_million_tokens: int
    max_output_tokens: int
    parts: PartRates = NO_PART_RATES
    request_nano: int = 0
    tiers: Sequence[tuple[int, "Price"]] = ()
    version: str = ""
    _rates: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _dearest: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        asked, answered = self.input_nano_per_million_tokens, self.output_nano_per_million_tokens
        parts = self.parts
        write = _or(parts.cache_write, asked)
        audio = _or(parts.input_audio, asked)
        rates = (
            asked,
            answered,
            _or(parts.cached, asked),
            write,
            _or(parts.cache_write_1h, write),
            _or(parts.reasoning, answered),
            audio,
            _or(parts.cached_audio, audio),
            _or(parts.output_audio, answered),
        )
        for number in (*rates, self.max_output_tokens, self.request_nano):
            check_amount(number)
        for start, _ in self.tiers:
            check_amount(start)
        object.__setattr__(self, "_rates", rates)
        # audio is no token per byte: what it costs by its bytes is less than so much text
        dearest = max(asked, rates[2], rates[3], rates[4]), max(answered, rates[5], rates[8])
        object.__setattr__(self, "_dearest", dearest)
        object.__setattr__(self, "tiers", tuple(sorted(self.tiers, key=_start_of, reverse=True)))

    @property
    def dearest_rates(self) -> tuple[int, int]:
        """Return the dearest rate of any input token and of any output token, tiers apart."""
        asked, answered, *_, heard, heard_again, _ = self._rates
        return max(*self._dearest[:1], asked, heard, heard_again), max(self._dearest[1], answered)

    def estimate(
        self, body_bytes: int, max_output_tokens: int | None, choices: int
    ) -> tuple[int, int]:
        """Return what a call can use at most: nano-dollars and tokens, each up to MAX_NANO_USD.

        A token is at least one byte of the body. `max_output_tokens` is what the request asks for;
        None and 0 ask for nothing, and the price's own bound counts. `choices` multiplies it.

        Raises:
            InvalidAmount: a number that is negative, not whole or above MAX_NANO_USD, or 0 choices.

        """
        bound = 0 if max_output_tokens is None else max_output_tokens
        if not (
            type(body_bytes) is type(choices) is type(bound) is int
            and 0 <= body_bytes <= MAX_NANO_USD
            and 0 < choices <= MAX_NANO_USD
            and 0 <= bound <= MAX_NANO_USD
        ):
            raise InvalidAmount
        output_tokens = (bound or self.max_output_tokens) * choices
        most = self._bound(body_bytes, output_tokens, choices)
        for start, price in self.tiers:
            if body_bytes > start:
                most = max(most, price._bound(body_bytes, output_tokens, choices))  # noqa: SLF001 - of its own kind
        return _nano(most), min(body_bytes + output_tokens, MAX_NANO_USD)

    def cost_nano(self, usage: Usage) -> int:
        """Return what a call did cost, in nano-dollars, capped at MAX_NANO_USD."""
        for start, price in self.tiers:
            if usage.input_tokens > start:
                return price.cost_nano(usage)
        plain, answered, cached, write, write_1h, thought, heard, heard_again, spoken = self._rates
        kept_audio = usage.cached_audio_tokens
        others_in = (
            usage.input_tokens
            - usage.cached_tokens
            - usage.cache_write_tokens
            - usage.input_audio_tokens
            + kept_audio
        )
        others_out = usage.output_tokens - usage.reasoning_tokens - usage.output_audio_tokens
        # parts of one side may overlap: nothing is taken off for it
        return _nano(
            max(others_in, 0) * plain
            + (usage.cached_tokens - kept_audio) * cached
            + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * write
            + usage.cache_write_1h_tokens * write_1h
            + (usage.input_audio_tokens - kept_audio) * heard
            + kept_audio * heard_again
            + max(others_out, 0) * answered
            + usage.reasoning_tokens * thought
            + usage.output_audio_tokens * spoken
            + self.request_nano * TOKENS_PER_PRICE
        )

    def _bound(self, input_tokens: int, output_tokens: int, choices: int) -> int:
        asked, answered = self._dearest
        return (
            input_tokens * asked
            + output_tokens * answered
            + choices * self.request_nano * TOKENS_PER_PRICE
        )


def _or(rate: int | None, default: int) -> int:
    return default if rate is None else rate


def _start_of(tier: tuple[int, Price]) -> int:
    return tier[0]


def _nano(millionths: int) -> int:
    return min(-(-millionths // TOKENS_PER_PRICE), MAX_NANO_USD)
