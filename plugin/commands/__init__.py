"""The commands of `gatepass`, one file each; a command loads only what it needs."""
