"""Helpers that know nothing of a node."""
