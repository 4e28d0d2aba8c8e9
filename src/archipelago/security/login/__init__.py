"""Who is let in: passwords, second factors, sessions and tokens."""
