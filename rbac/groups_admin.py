"""Route groups of management: keys, users, teams, spend, information. Closed tables (SEC-40).

Useful where the gateway stands before a proxy that has these routes. The names and their entries
are the peer's (LiteLLM 1.106), except that `internal_user_routes` reads models by GET only:
`/models/{model_id}` would cover `/models/NAME:generateContent` as well.
"""


def _table(text: str) -> tuple[str, ...]:
    return tuple(text.split())


INFO_ROUTES = _table(
    """
    /key/info /key/health /team/info /team/list /v2/team/list /organization/list /team/available
    /team/metadata_schema /user/info /v2/user/info /model/info /v1/model/info /v2/model/info
    /v2/key/info /model_group/info /health /health/services /key/list /user/filter/ui /models
    /v1/models /sso/get/ui_settings /get/user_banner /get/latest_release_info
    """
)

MCP_MANAGEMENT_ROUTES = _table(
    """
    /v1/mcp/server /v1/mcp/server/{path:path} /v1/mcp/sessions
    """
)

AGENT_MANAGEMENT_ROUTES = _table(
    """
    /v1/agents /v1/agents/{agent_id} /v1/agents/make_public /v1/agents/{agent_id}/make_public
    /v1/agents/{agent_id}/kill_switch
    """
)

KEY_MANAGEMENT_ROUTES = _table(
    """
    /key/generate /key/update /key/delete /key/info /key/regenerate /key/service-account/generate
    /key/{key_id}/regenerate /key/list /key/block /key/unblock /key/bulk_update
    /team/key/bulk_update /team/daily/activity /team/daily/activity/aggregated
    /team/daily/activity/aggregated/keys /team/daily/activity/aggregated/search
    /team/daily/activity/aggregated/model_top_keys /team/daily/activity/export /spend/logs
    /spend/logs/v2 /key/{key_id}/reset_spend /key/aliases /key/access_group_assignment
    /auto_router/manage
    """
)

OWN_MANAGEMENT_ROUTES = _table(
    """
    /user/new /management/v1/users/bulk /user/update /user/bulk_update /user/delete
    /management/v1/users/bulk_delete /user/info /user/list /user/daily/activity
    /user/daily/activity/aggregated /user/daily/activity/aggregated/keys
    /user/daily/activity/aggregated/search /user/daily/activity/aggregated/model_top_keys
    /user/daily/activity/export /user/daily/activity/aggregated/cache_leakage_keys /team/new
    /team/update /team/{team_id} /team/delete /team/list /v2/team/list /team/info /team/block
    /team/unblock /team/available /team/metadata_schema /team/permissions_list
    /team/permissions_update /team/permissions_bulk_update /team/spend/by_user
    /gateway/daily/activity /model/new /model/update /model/delete /model/info /jwt/key/mapping/new
    /jwt/key/mapping/update /jwt/key/mapping/delete /jwt/key/mapping/list /jwt/key/mapping/info
    """
)
"""What `management_routes` adds to the groups of which it is made."""

SPEND_TRACKING_ROUTES = _table(
    """
    /spend/keys /spend/users /spend/tags /spend/calculate /spend/logs /spend/logs/v2 /spend/logs/ui
    /spend/logs/ui/{request_id} /spend/logs/session/ui /key/spend/report /user/spend/report
    /team/spend/report /organization/spend/report /management/v1/spend_logs/end_users
    /management/v1/spend_logs/users /cost/estimate
    """
)

GLOBAL_SPEND_TRACKING_ROUTES = _table(
    """
    /global/spend/logs /global/spend /global/spend/keys /global/spend/teams /global/spend/end_users
    /global/spend/models /global/predict/spend/logs /global/spend/report /global/spend/provider
    /global/spend/tags /global/spend/all_tag_names /spend/capture_rate
    """
)

INTERNAL_USER_VIEW_ONLY_ROUTES = _table(
    """
    /spend/keys /spend/users /spend/tags /spend/calculate /spend/logs /spend/logs/v2 /spend/logs/ui
    /spend/logs/ui/{request_id} /spend/logs/session/ui /key/spend/report /user/spend/report
    /team/spend/report /organization/spend/report /management/v1/spend_logs/end_users
    /management/v1/spend_logs/users /cost/estimate /compliance/eu-ai-act /compliance/gdpr
    /tag/daily/activity /tag/daily/activity/aggregated /tag/daily/activity/aggregated/keys
    /tag/daily/activity/aggregated/search /tag/daily/activity/aggregated/model_top_keys
    /tag/daily/activity/export /tag/list
    """
)

OWN_INTERNAL_USER_ROUTES = _table(
    """
    /global/activity /global/activity/model /global/activity/cache_hits /guardrails/list
    /v2/guardrails/list /project/list /project/info /search_tools/list
    /search_tools/ui/available_providers /key/generate /key/update /key/delete /key/info
    /key/regenerate /key/service-account/generate /key/{key_id}/regenerate /key/list /key/block
    /key/unblock /key/bulk_update /team/key/bulk_update /team/daily/activity
    /team/daily/activity/aggregated /team/daily/activity/aggregated/keys
    /team/daily/activity/aggregated/search /team/daily/activity/aggregated/model_top_keys
    /team/daily/activity/export /key/{key_id}/reset_spend /key/aliases /key/access_group_assignment
    /auto_router/manage
    """
)
"""What `internal_user_routes` adds, less its two templates that are bound to GET."""

ORG_ADMIN_ONLY_ROUTES = _table(
    """
    /organization/info /organization/delete /organization/member_add /organization/member_update
    /organization/member_delete
    """
)

DIRECTORY_ROUTES = _table(
    """
    /user/new /user/update /user/delete /user/info /user/list /user/block /user/unblock
    /team/new /team/update /team/delete /team/info /team/list /team/block /team/unblock
    /team/member_add /team/member_update /team/member_delete
    /organization/new /organization/update /organization/delete /organization/info
    /organization/list /organization/block /organization/unblock /organization/member_add
    /organization/member_update /organization/member_delete
    /customer/new /customer/update /customer/delete /customer/info /customer/list /customer/block
    /customer/unblock /end_user/new /end_user/update /end_user/delete /end_user/info /end_user/list
    /end_user/block /end_user/unblock
    /budget/new /budget/update /budget/delete /budget/info /budget/list
    """
)
"""What Gatepass's own management service answers; no group of the peer's."""
