"""Dumps: all that a database server holds as one stream, written and read by the server's own programs."""
