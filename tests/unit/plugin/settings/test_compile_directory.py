import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.plugin.settings import compile_settings
from gatepass.rbac.linking import LinkPolicy, LinkRules
from gatepass.rbac.roles import Role
from support.limits import template
from support.settings import ISSUER, settings_with

TENANTS = ("72f988bf-86f1-41af-91ab-2d7cd011db47", "fa15d692-e9c7-4460-a743-29f2956fd429")


def rules(**sections: object) -> DirectoryRules:
    return compile_settings(settings_with(**sections)).directory


def test_nothing_is_made_linked_or_changed_unless_said() -> None:
    assert rules() == DirectoryRules()
    assert rules().linking == LinkRules(LinkPolicy.VERIFIED_EMAIL, frozenset(), None)


def test_sec_52_the_word_of_a_template_is_that_of_each_tenant_it_names() -> None:
    template = {**ISSUER, "issuer": "https://idp.example/{tenantid}", "tenants": list(TENANTS)}
    trusted = rules(issuers=[template | {"email_trusted": True}]).linking.email_issuers
    assert trusted == {f"https://idp.example/{tenant}" for tenant in TENANTS}


def test_everything_that_can_be_said() -> None:
    found = rules(
        issuers=[
            {**ISSUER, "email_trusted": True},
            {**ISSUER, "issuer": "https://other.example"},
        ],
        users={
            "upsert": True,
            "link": "invited_only",
            "email_domains": ["corp.example"],
            "sync_role": True,
            "sync_teams": True,
            "defaults": {
                "models": ["gpt-*"],
                "role": "internal_user_viewer",
                "teams": ["red", "blue", "red"],
            },
        },
        teams={"upsert": True, "defaults": {"budget": "$5"}},
        end_users={"upsert": True, "defaults": {"models": []}},
    )
    assert found == DirectoryRules(
        user_upsert=True,
        team_upsert=True,
        end_user_upsert=True,
        user_defaults=RowDefaults(models=("gpt-*",)),
        team_defaults=RowDefaults(template(5_000_000_000, None)),
        end_user_defaults=RowDefaults(models=()),
        user_role=Role.INTERNAL_USER_VIEWER,
        user_teams=("red", "blue"),
        sync_role=True,
        sync_teams=True,
        linking=LinkRules(
            LinkPolicy.INVITED_ONLY,
            frozenset({str(ISSUER["issuer"])}),
            frozenset({"corp.example"}),
        ),
    )


@pytest.mark.parametrize("role", ["proxy_admin", "org_admin", "team", "nobody"])
def test_sec_53_nobody_becomes_an_administrator_by_being_new(role: str) -> None:
    with pytest.raises(ConfigurationError, match=r"users\.defaults\.role: must be one of"):
        settings_with(users={"defaults": {"role": role}})


def test_a_policy_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"users\.link: must be one of never, verified"):
        settings_with(users={"link": "always"})
