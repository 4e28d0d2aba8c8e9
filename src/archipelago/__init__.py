"""Archipelago: a Bitcoin node under its owner's sole control."""

__version__ = "0.1.0"
