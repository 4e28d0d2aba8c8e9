"""Methods about who may log in."""
