"""What should run."""
