"""How the service fares, for those who run it: told when they ask, never while a request waits."""
