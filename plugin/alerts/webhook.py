"""Sending an alert: one signed POST, as Standard Webhooks has it.

`webhook-id` stays the same when it is sent again, `webhook-signature` is `v1,` and the base64 of
HMAC-SHA256 over id, timestamp and body with dots between them. An answer of 200 to 299 takes it;
redirects are not followed, and no proxy of the environment is used.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

import httpx

from gatepass.plugin.alerts.crossings import Alert

TIMEOUT_SECONDS = 10.0


class Webhook:
    """Where alerts go, and what they are signed with."""

    def __init__(self, url: str, secret: bytes) -> None:
        self._url = url
        self._secret = secret
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False
        )

    async def send(self, alert: Alert, now: int) -> bool:
        """Send an alert and return whether it was taken; `now` is in seconds since the epoch."""
        body = alert.body.encode()
        headers = signed_headers(self._secret, alert.alert_id, now, body)
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return answer.is_success

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


def signed_headers(secret: bytes, alert_id: str, now: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of a webhook."""
    signed = f"{alert_id}.{now}.".encode() + body
    signature = b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": alert_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }
