"""What the RPC asks of the node: one small protocol per part that does the work, found by its type."""
