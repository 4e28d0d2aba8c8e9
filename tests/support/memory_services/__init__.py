"""Small services in memory, one for each family of RPC methods."""
