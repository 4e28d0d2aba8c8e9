"""Bitcoin."""
