"""A block explorer over the node's own bitcoind, and over its Electrum server where there is one."""
