"""How a call to a plugin server can end badly, in the terms that Kong distinguishes."""


class CallFailed(Exception):
    """The call came to nothing; the text is what Kong judges: "closed", "timeout", ..."""

    @property
    def text(self) -> str:
        return str(self.args[0])


class LuaError(Exception):
    """An error that Kong does not catch: 500 in the access phase, a log line in the log phase."""


class Exited(Exception):
    """kong.response.exit: the event is over, and nothing more of it is read."""


class EndlessLoop(Exception):
    """The server closes the connection again and again; a real Kong would go on for ever."""


class NotSimulated(Exception):
    """The server called a method that exists in Kong and not here: extend the simulator."""
