"""Connections of the server: how many there may be, and who gives way."""
