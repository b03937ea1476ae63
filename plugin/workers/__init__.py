"""Several processes on the same sockets: a parent and its workers, and servers that come and go."""
