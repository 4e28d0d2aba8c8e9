"""Images: pulled or built, kept and removed."""
