"""What ought to run."""
