"""The settings of the management service's door."""

from collections.abc import Collection, Iterator

from pydantic import Field

from gatepass.plugin.settings.fields import BodySize, Listen, PlainName, ShortTime
from gatepass.plugin.settings.problems import Finding, did_you_mean
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_address


class AdminDoorSettings(Section):
    """The management service."""

    listen: Listen = Field(
        default=to_address("127.0.0.1:8702"),
        json_schema_extra={"default": "127.0.0.1:8702"},
        description="HOST:PORT, [IPV6]:PORT or unix:/path.",
    )
    profile: PlainName = Field(
        default="default",
        description="The profile that says which roles may call which of its routes.",
    )
    max_body: BodySize = Field(default=256 * 1024, description="The largest request body. A size.")
    deadline: ShortTime = Field(
        default=5, description="How long a body may take, and a decision. A duration, at most 60s."
    )


def admin_findings(admin: AdminDoorSettings | None, profiles: Collection[str]) -> Iterator[Finding]:
    """Yield that the profile of the management service does not exist."""
    if admin is not None and admin.profile not in profiles:
        hint = did_you_mean(admin.profile, profiles)
        yield Finding(("doors", "admin", "profile"), f"there is no such profile{hint}")
