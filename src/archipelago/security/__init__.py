"""Secrets, policies and trust."""
