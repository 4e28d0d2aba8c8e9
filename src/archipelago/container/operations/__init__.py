"""Durable work that the owner asked for."""
