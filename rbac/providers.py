"""Whose models are whose, by their bare names: what lets `openai/*` admit `gpt-4o`. Closed.

Small on purpose: a name stands here only when one provider alone gives it to models. A deployment
adds the others, or replaces a line, by `providers` in its settings.
"""

from collections.abc import Mapping
from types import MappingProxyType

PROVIDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "anthropic": ("claude-*",),
        "openai": (
            "babbage-002",
            "chatgpt-*",
            "codex-*",
            "dall-e-*",
            "davinci-002",
            "gpt-3.5-turbo*",
            "gpt-4*",
            "gpt-5*",
            "gpt-audio*",
            "gpt-image-*",
            "gpt-realtime*",
            "o1",
            "o1-*",
            "o3",
            "o3-*",
            "o4-mini*",
            "omni-moderation-*",
            "sora-*",
            "text-embedding-3-*",
            "text-embedding-ada-002",
            "tts-1*",
            "whisper-1",
        ),
        "vertex_ai": ("gemini-*",),
    }
)
"""Bare model names by provider, written as model patterns."""
