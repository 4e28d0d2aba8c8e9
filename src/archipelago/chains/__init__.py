"""What the node knows of blockchains."""
