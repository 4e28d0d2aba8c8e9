"""Keys and certificates of the node."""
