"""What the settings of the doors mean."""

from typing import TYPE_CHECKING

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.settings.compiled import HttpDoor

if TYPE_CHECKING:
    from gatepass.plugin.settings.doors import (
        ApisixDoorSettings,
        HttpDoorSettings,
        KongDoorSettings,
    )


def http_door(settings: "HttpDoorSettings") -> HttpDoor:
    """Return the HTTP decision service's door."""
    return HttpDoor(
        listen=settings.listen,
        trusted_proxies=settings.trusted_proxies,
        max_body_bytes=settings.max_body,
        deadline_seconds=settings.deadline,
        usage_token=None if settings.usage_token is None else settings.usage_token.encode(),
    )


def kong_door(settings: "KongDoorSettings | None") -> KongDoor | None:
    """Return the door for Kong, or None when the settings name none."""
    if settings is None:
        return None
    return KongDoor(
        socket=settings.socket,
        mode=settings.mode,
        owner=settings.owner,
        group=settings.group,
        max_body_bytes=settings.max_body,
        deadline_seconds=settings.deadline,
        body_seconds=settings.body_deadline,
        consumer=settings.consumer,
        cost_header=None if settings.cost_header is None else settings.cost_header.encode(),
    )


def apisix_door(settings: "ApisixDoorSettings | None") -> ApisixDoor | None:
    """Return the door for APISIX, or None when the settings name none."""
    if settings is None:
        return None
    return ApisixDoor(
        socket=settings.socket,
        mode=settings.mode,
        owner=settings.owner,
        group=settings.group,
        max_body_bytes=settings.max_body,
        deadline_seconds=settings.deadline,
        body_seconds=settings.body_deadline,
        show_usage=settings.show_usage,
        read_responses=settings.read_responses,
    )
