"""Telling an operator that a limit is nearly used up: once for each threshold and window."""
