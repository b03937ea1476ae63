"""The names of the members that no client may send, because an upstream obeys them.

They choose what is judged before a request leaves: the model, the place it goes to, the key that it
is sent with, and what it costs. LiteLLM takes nearly all of them from the body, or from the query,
of a call over what its own deployment says (PR #30575); the others are of the provider that the
table names. docs/parameters.md is printed from here. Left to parameters.py: where in a request they
are looked for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DENIED_BY_CHOICE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "another model": (
            *("agent", "analysis_models", "base_model", "context_window_fallback_dict"),
            *("custom_llm_provider", "default_fallbacks", "deployment_id", "hf_model_name"),
            *("model_info", "model_list", "specific_deployment", "target_model_names"),
        ),
        "another place": (
            *("api_base", "api_type", "api_version", "aws_bedrock_runtime_endpoint"),
            *("aws_region_name", "aws_sts_endpoint", "base_url", "deployment_url"),
            *("gcs_bucket_name", "organization", "region_name", "s3_bucket_name"),
            *("s3_endpoint_url", "s3_output_bucket_name", "s3_region_name", "sagemaker_base_url"),
            *("use_litellm_proxy", "vertex_ai_location", "vertex_ai_project", "vertex_location"),
            *("vertex_project", "watsonx_region_name"),
            *("data_sources", "dataSources"),  # Azure's: each has an endpoint and a model inside
        ),
        "another key": (
            *("anthropic_federation_rule_id", "anthropic_organization_id", "api_key"),
            *("aws_access_key_id", "aws_batch_role_arn", "aws_bedrock_project_id"),
            *("aws_external_id", "aws_profile_name", "aws_role_name", "aws_secret_access_key"),
            *("aws_session_name", "aws_session_token", "aws_web_identity_token"),
            *("azure_ad_token", "azure_password", "azure_scope", "azure_username", "client_id"),
            *("client_secret", "litellm_credential_name", "s3_access_key_id"),
            *("s3_secret_access_key", "tenant_id", "vertex_ai_credentials", "vertex_credentials"),
        ),
        "another price": (
            *("cache_creation_input_token_cost", "cache_read_input_token_cost"),
            *("cost_per_second", "input_cost_per_pixel", "input_cost_per_second"),
            *("input_cost_per_token", "output_cost_per_pixel", "output_cost_per_second"),
            "output_cost_per_token",
        ),
        "another request": (
            *("extra_body", "extra_headers", "extra_query", "headers", "litellm_metadata"),
            *("litellm_params", "mock_response", "prompt_id", "router_settings_override"),
            "user_config",
        ),
    }
)
"""The names by what an upstream would take from them."""

DENIED_PARAMETERS: Final = frozenset(name for names in DENIED_BY_CHOICE.values() for name in names)
"""All of them."""

OF_A_TOOL: Final = frozenset({"headers"})
"""Those that a tool may have for itself: they go to the tool's own server."""
