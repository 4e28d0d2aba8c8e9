"""What is in an image: a bill of materials from its package databases."""
