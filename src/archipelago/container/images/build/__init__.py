"""Builds images in sandboxes."""
