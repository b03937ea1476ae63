"""Whose models are whose, by their bare names, and what stands in front of a slash. Closed.

That a bare name is a provider's lets `openai/*` admit `gpt-4o`.

Small on purpose: a name stands here only when one provider alone gives it to models. A deployment
adds the others, or replaces a line, by `providers` in its settings.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

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

PREFIXES: Final = frozenset(
    {
        *PROVIDERS,
        *("amazon", "amazon_nova", "anthropic_text", "arcee", "avian", "aws", "azure", "azure_ai"),
        *("azure_text", "baseten", "bedrock", "bedrock_converse", "cerebras", "cloudflare"),
        *("codestral", "cohere", "cohere_chat", "cursor", "custom_openai", "databricks"),
        *("deepinfra", "deepseek", "doubleword", "elevenlabs", "fireworks", "fireworks_ai"),
        *("gemini", "github", "github-copilot", "github_copilot", "google", "groq", "hosted_vllm"),
        *("huggingface", "hyperbolic", "litellm_proxy", "meta", "meta_llama", "minimax", "mistral"),
        *("modal", "moonshot", "moonshotai", "nebius", "novita", "nscale", "nvidia_nim", "ollama"),
        *("ollama_chat", "openai-decisions", "openai_like", "openrouter", "ovhcloud", "perplexity"),
        *("publicai", "quicksilverpro", "replicate", "sagemaker", "sagemaker_chat", "sambanova"),
        *("text-completion-codestral", "text-completion-openai", "together", "together_ai"),
        *("typesafe", "vercel_ai_gateway", "vertex", "vertex_ai_beta", "vllm", "volcengine"),
        *("voyage", "voyageai", "watsonx", "watsonx_text", "x-ai", "xai", "zai", "zhipuai"),
        *(
            f"huggingface_{host}"
            for host in (
                *("cerebras", "fireworks-ai", "groq", "hyperbolic", "nebius", "novita", "nscale"),
                *("ovhcloud", "publicai", "sambanova", "together"),
            )
        ),
    }
)
"""What gateways write in front of a slash to say whose a model is, in lower case.

A test sees that every provider with published prices is among them.
"""
