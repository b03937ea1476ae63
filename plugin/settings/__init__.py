"""The settings file: read, checked in full, compiled."""
