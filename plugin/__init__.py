"""How the gateway asks, and where the state is."""
