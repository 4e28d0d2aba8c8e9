"""Shares the host out: which apps the node pauses when disk or memory run short, and when they come back."""
