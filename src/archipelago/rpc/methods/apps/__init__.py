"""Methods about apps."""
