"""Commands about the node and its host."""
