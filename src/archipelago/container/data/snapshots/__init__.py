"""Snapshots: all of an app at one moment (volumes, secrets, record), so that it can go back to it."""
