"""What a request would do to others and to data, which the owner agrees to before anything changes."""
