"""Commands and terminals inside containers, and their end."""
