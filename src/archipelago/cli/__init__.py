"""The `archipelago` command: asks the node over its RPC and shows the answer."""
