"""Tables of LiteLLM's keys that have no setting here, and what to tell about each."""

from collections.abc import Mapping

OWN_SERVICE = "is about the peer's own service, and stays there"
_ROUTES = "write it as routes of the roles under profiles"

MANUAL: Mapping[str, str] = {
    "admin_only_routes": _ROUTES,
    "allowed_routes": _ROUTES,
    "pass_through_endpoints": _ROUTES,
    "allowed_ips": "let the gateway judge addresses",
    "enable_oauth2_auth": "opaque tokens are not accepted",
    "enable_oauth2_proxy_auth": "headers are believed of nobody: have the client send the token",
    "custom_auth": "write it as checks.custom, which may refuse and never admit",
    "litellm_key_header_name": "name the header under token_headers if tokens come in it",
    "max_request_size_mb": "write it as doors.http.max_body or that of your gateway",
    "user_header_name": "name the claim under issuers[].claims.end_user",
    "user_header_mappings": "name the claims under issuers[].claims",
    "max_parallel_requests": "let the gateway limit rates",
    "global_max_parallel_requests": "let the gateway limit rates",
}

CHANGED: Mapping[str, str] = {
    "database_url": "rows stay there: stores.database is a database of our own",
    "allow_requests_on_db_unavailable": "never: who cannot be looked up is refused with 503",
    "fail_closed_budget_enforcement": "always: a reservation that does not fit is refused",
    "use_x_forwarded_for": "addresses decide nothing here",
}

OF_THE_SERVICE = frozenset(
    {
        "master_key",
        "store_model_in_db",
        "database_connection_pool_limit",
        "database_connection_timeout",
        "alerting",
        "alerting_threshold",
        "alerting_args",
        "alert_types",
        "alert_to_webhook_url",
        "ui_access_mode",
        "background_health_checks",
        "health_check_interval",
        "health_check_details",
        "proxy_batch_write_at",
        "proxy_budget_rescheduler_min_time",
        "proxy_budget_rescheduler_max_time",
        "disable_spend_logs",
        "disable_error_logs",
        "disable_master_key_return",
        "disable_reset_budget",
        "disable_retry_on_max_parallel_request_limit_error",
        "disable_adding_master_key_hash_to_db",
        "completion_model",
        "infer_model_from_keys",
        "key_management_system",
        "key_management_settings",
        "store_prompts_in_spend_logs",
        "maximum_spend_logs_retention_period",
        "maximum_spend_logs_retention_interval",
        "enable_public_model_hub",
        "supported_db_objects",
        "use_redis_transaction_buffer",
        "forward_client_headers_to_llm_api",
        "forward_openai_org_id",
        "proxy_config_refresh_interval",
    }
)
"""Keys that judge nobody."""

LIMITS: Mapping[str, str] = {
    "max_end_user_budget": "write it as end_users.defaults.budget, with end_users.upsert: true",
    "max_end_user_budget_id": "write it as end_users.defaults.budget, with end_users.upsert: true",
    "max_user_budget": "write it as users.defaults.budget",
}

NEVER_READ = ("upsert_sso_user_to_team", "public_allowed_routes")

ELSEWHERE: Mapping[str, str] = {
    "agent_id_jwt_field": "agents are not looked up here",
    "mcp_client_id_jwt_field": "clients of MCP are not looked up here",
    "oidc_userinfo_enabled": "opaque tokens are not accepted",
    "oidc_userinfo_endpoint": "opaque tokens are not accepted",
    "oidc_userinfo_cache_ttl": "opaque tokens are not accepted",
    "virtual_key_claim_field": "there are no stored keys here; identify by claims",
    "jwt_client_id_field": "there are no stored keys here; identify by claims",
    "virtual_key_mapping_cache_ttl": "there are no stored keys here",
    "unregistered_jwt_client_behavior": "there are no stored keys here; write teams.default",
    "auto_register_map_existing_key": "there are no stored keys here",
    "routing_overrides": "all tokens are verified here, none is sent to introspection",
}
