"""Caddy, the web server in front of the sites of apps: its configuration, its process, and what drives it."""
