"""Route groups by name: what the settings may write in place of a list of routes.

Closed: a group grows by a change here and its snapshot test, never by a pattern that happens to
match (SEC-40). Three of the peer's groups are missing on purpose. `self_managed_routes` is open to
everyone there because the peer's handlers check again; behind a gateway nothing does.
`public_routes` asks for no token, which a deployment must write out. `ui_routes` serves the peer's
own console. For the same reason `llm_api_routes` is the peer's union less the pass-through groups:
they reach every route of a provider, and a deployment that wants that names them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gatepass.rbac import groups_admin as admin
from gatepass.rbac import groups_llm as llm

_MCP_ROUTES = (*llm.MCP_INFERENCE_ROUTES, *admin.MCP_MANAGEMENT_ROUTES)
_AGENT_ROUTES = (*llm.AGENT_INFERENCE_ROUTES, *admin.AGENT_MANAGEMENT_ROUTES)
_LLM_API_ROUTES = (
    *llm.OPENAI_ROUTES,
    *llm.ANTHROPIC_ROUTES,
    *llm.GOOGLE_ROUTES,
    *llm.APPLY_GUARDRAIL_ROUTES,
    *llm.MCP_INFERENCE_ROUTES,
    *llm.LITELLM_NATIVE_ROUTES,
    *llm.AGENT_INFERENCE_ROUTES,
    *llm.MODEL_INFO_ROUTES,
)
_MANAGEMENT_ROUTES = (
    *admin.KEY_MANAGEMENT_ROUTES,
    *admin.MCP_MANAGEMENT_ROUTES,
    *admin.AGENT_MANAGEMENT_ROUTES,
    *admin.OWN_MANAGEMENT_ROUTES,
)
_INTERNAL_USER_ROUTES = (
    *admin.INTERNAL_USER_VIEW_ONLY_ROUTES,
    *admin.OWN_INTERNAL_USER_ROUTES,
    "GET /models/{model_id}",
    "GET /v1/models/{model_id}",
)

ROUTE_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "openai_routes": llm.OPENAI_ROUTES,
        "anthropic_routes": llm.ANTHROPIC_ROUTES,
        "google_routes": llm.GOOGLE_ROUTES,
        "litellm_native_routes": llm.LITELLM_NATIVE_ROUTES,
        "mcp_inference_routes": llm.MCP_INFERENCE_ROUTES,
        "mcp_management_routes": admin.MCP_MANAGEMENT_ROUTES,
        "mcp_routes": _MCP_ROUTES,
        "agent_inference_routes": llm.AGENT_INFERENCE_ROUTES,
        "agent_management_routes": admin.AGENT_MANAGEMENT_ROUTES,
        "agent_routes": _AGENT_ROUTES,
        "apply_guardrail_routes": llm.APPLY_GUARDRAIL_ROUTES,
        "model_info_routes": llm.MODEL_INFO_ROUTES,
        "llm_api_routes": _LLM_API_ROUTES,
        "mapped_pass_through_routes": llm.MAPPED_PASS_THROUGH_ROUTES,
        "passthrough_routes_wildcard": llm.PASSTHROUGH_ROUTES_WILDCARD,
        "info_routes": admin.INFO_ROUTES,
        "key_management_routes": admin.KEY_MANAGEMENT_ROUTES,
        "management_routes": _MANAGEMENT_ROUTES,
        "spend_tracking_routes": admin.SPEND_TRACKING_ROUTES,
        "global_spend_tracking_routes": admin.GLOBAL_SPEND_TRACKING_ROUTES,
        "internal_user_routes": _INTERNAL_USER_ROUTES,
        "internal_user_view_only_routes": admin.INTERNAL_USER_VIEW_ONLY_ROUTES,
        "org_admin_only_routes": admin.ORG_ADMIN_ONLY_ROUTES,
        "directory_routes": admin.DIRECTORY_ROUTES,
    }
)
"""The groups; `compile_routes` takes this mapping, with the deployment's own groups added."""
