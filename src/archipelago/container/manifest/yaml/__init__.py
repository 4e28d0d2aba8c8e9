"""Manifest text to a tree of values with places, and problems in the words of an author."""
