"""Methods about the node and its host."""
