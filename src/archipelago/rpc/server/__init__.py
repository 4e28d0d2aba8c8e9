"""The HTTP server: sockets, limits and guards."""
