"""A decision service in a process of its own that says yes to everything, made to be killed.

python -m support.killable PORT
"""

import sys

from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.listener import Address, listening
from gatepass.plugin.gateways.server import server_for
from support.doors import Bounds, ScriptedDecider

if __name__ == "__main__":
    with listening(Address("127.0.0.1", int(sys.argv[1]))) as listener:
        server_for(decision_app(ScriptedDecider(), Bounds())).run(sockets=[listener])
