"""Whether the Redis of the settings lets the service in, for `gatepass check`."""

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from gatepass.plugin.commands.finding import Finding, note
from gatepass.plugin.directory.broadcast import CONNECT_SECONDS, channel_of, redis_client
from gatepass.plugin.settings.redis_url import is_protected, server_name

if TYPE_CHECKING:
    from redis.asyncio import Redis

_PUT_ACCOUNT_RIGHT = (
    "put user and password of stores.redis right; the account needs PING, PUBLISH and SUBSCRIBE on "
    "the channels of the deployment"
)
_START_IT = "start the server, let this machine through to it, and check host, port and rediss"
_READABLE = "the connection is not encrypted, and the server is on another machine"
_PROTECT_IT = "write rediss://, or see to it that nobody else can listen in on that network"


async def redis_findings(url: str, deployment: str) -> list[Finding]:
    """Say whether changes could be published there."""
    subject = f"redis {server_name(url)}"
    try:
        async with asyncio.timeout(2 * CONNECT_SECONDS), redis_client(url) as redis:
            heard = await _publish_nothing(redis, deployment)
    except (AuthenticationError, NoPermissionError):
        found = "the server refuses the account"
        return [Finding(subject, ok=False, found=found, advice=_PUT_ACCOUNT_RIGHT)]
    except (RedisError, OSError, TimeoutError):
        return [Finding(subject, ok=False, found="it does not answer", advice=_START_IT)]
    listening = "1 process listens" if heard == 1 else f"{heard} processes listen"
    found = f"answers; {listening} as deployment {deployment}"
    findings = [Finding(subject, ok=True, found=found)]
    if not is_protected(url):
        findings.append(note(subject, _READABLE, _PROTECT_IT))
    return findings


async def _publish_nothing(redis: "Redis", deployment: str) -> int:
    """Return how many processes listen; what nobody listens to is published to be sure of it."""
    channel = channel_of(deployment)
    await redis.publish(f"{channel}:check", b"")
    ((_, heard),) = await redis.pubsub_numsub(channel)
    return int(heard)
