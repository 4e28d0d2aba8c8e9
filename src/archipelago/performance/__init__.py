"""The host: what it is, and how much of it there is."""
