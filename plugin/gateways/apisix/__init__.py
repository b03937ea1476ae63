"""The runner for APISIX's external plugins: its protocol, spoken by ourselves."""
