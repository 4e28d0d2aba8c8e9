"""Networks of apps: made, named and guarded."""
