"""The subset of Containerfiles that images are built from."""
