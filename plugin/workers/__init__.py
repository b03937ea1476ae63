"""Several processes on the same sockets: one that holds them, and those that answer."""
