"""What the node asks of Tor, by its control port (https://spec.torproject.org/control-spec)."""
