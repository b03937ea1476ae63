"""Where things are shared in Redis: the server, and what everything there begins with."""

from typing import NamedTuple


class RedisPlace(NamedTuple):
    """The URL of a Redis or Valkey, and the name of the deployment that uses it."""

    url: str
    deployment: str

    def __repr__(self) -> str:
        return f"RedisPlace(deployment={self.deployment!r})"
