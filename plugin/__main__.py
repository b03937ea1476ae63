"""`python -m gatepass.plugin` is `gatepass`."""

from gatepass.plugin.entry import main

main()
