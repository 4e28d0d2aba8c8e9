"""What guessing a password costs."""
