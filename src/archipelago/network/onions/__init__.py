"""Onion services: which endpoints have one, under which keys, and whether Tor has published them."""
