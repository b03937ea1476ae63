"""The tour: a real identity provider, a real gateway and the real plugin on one machine."""
