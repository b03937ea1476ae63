"""The version, in the one place that both the wheel and `gatepass --version` read."""

VERSION = "0.1.0"
