"""Checks that need more than one part of a manifest."""
