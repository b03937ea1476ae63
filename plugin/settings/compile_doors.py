"""What the settings of the doors mean."""

from typing import TYPE_CHECKING

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.certificates import CertificateHeader
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.settings.compiled import AdminDoor, HttpDoor, StatusDoor

if TYPE_CHECKING:
    from gatepass.plugin.settings.admin_door import AdminDoorSettings
    from gatepass.plugin.settings.doors import (
        ApisixDoorSettings,
        HttpDoorSettings,
        KongDoorSettings,
        StatusDoorSettings,
    )


def http_door(settings: "HttpDoorSettings") -> HttpDoor:
    """Return the HTTP decision service's door."""
    return HttpDoor(
        listen=settings.listen,
        trusted_proxies=settings.trusted_proxies,
        max_body_bytes=settings.max_body,
        deadline_seconds=settings.deadline,
        usage_token=None if settings.usage_token is None else settings.usage_token.encode(),
        cost_header=None if settings.cost_header is None else settings.cost_header.encode(),
        client_certificate=_certificate_header(settings),
    )


def certificate_headers(settings: "HttpDoorSettings") -> tuple[str, ...]:
    """Return the headers in which only proxies may show a certificate."""
    name = settings.client_certificate_header
    return () if name is None else (name,)


def _certificate_header(settings: "HttpDoorSettings") -> CertificateHeader | None:
    name = settings.client_certificate_header
    if name is None:
        return None
    return CertificateHeader(name.lower().encode(), settings.client_certificate_form)


def kong_door(settings: "KongDoorSettings | None", *, certificates: bool) -> KongDoor | None:
    """Return the door for Kong, or None when the settings name none.

    With `certificates` Kong is asked for those of clients.
    """
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
        certificates=certificates,
    )


def apisix_door(settings: "ApisixDoorSettings | None", *, certificates: bool) -> ApisixDoor | None:
    """Return the door for APISIX, or None when the settings name none.

    With `certificates` APISIX is asked for those of clients.
    """
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
        certificates=certificates,
    )


def admin_door(settings: "AdminDoorSettings | None") -> AdminDoor | None:
    """Return the management service's door, or None when the settings name none."""
    if settings is None:
        return None
    return AdminDoor(settings.listen, settings.profile, settings.max_body, settings.deadline)


def status_door(settings: "StatusDoorSettings | None") -> StatusDoor | None:
    """Return the door for monitoring, or None when the settings name none."""
    return None if settings is None else StatusDoor(settings.listen, settings.readers)
