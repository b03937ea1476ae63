"""The plugin server for Kong: both of its protocols, spoken by ourselves."""
