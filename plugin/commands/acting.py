"""In whose name a command changes rows: its own, and the account's that runs it."""

import os
import pwd

from gatepass.plugin.directory.changes.transaction import Actor


def acting_as(command: Actor) -> Actor:
    """Return the actor of a command as the audit names it: `cli:` and the account of the system.

    The account is the real one of the process; variables of the environment do not count.
    """
    uid = os.getuid()
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as an account that has no name
        account = str(uid)
    return Actor(None, f"{command.subject}:{account}")
