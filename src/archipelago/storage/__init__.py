"""What outlives a restart: the state database and the data layout."""
