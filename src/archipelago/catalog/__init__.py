"""Where apps come from."""
