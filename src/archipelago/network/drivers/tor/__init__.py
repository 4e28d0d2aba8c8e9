"""Tor, as far as the node tells it what to do: by its control port (https://spec.torproject.org/control-spec)."""
