"""How a call to the runner can end without an answer."""


class CallFailed(Exception):
    """There is no answer: 503, or through with `allow_degradation`."""

    @property
    def text(self) -> str:
        return str(self)


class TokenRefused(CallFailed):
    """The runner does not know the token: prepare anew and repeat."""


class LuaError(Exception):
    """APISIX's own code stumbled: 500, whatever `allow_degradation` says."""
