"""The ways of a message to its owner, each in a file."""
