"""The search for a provider of each requirement."""
