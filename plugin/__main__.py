"""`python -m gatepass.plugin` is `gatepass`."""

from gatepass.plugin.cli import main

main()
