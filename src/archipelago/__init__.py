"""Archipelago: a Bitcoin node that its owner rules alone."""

__version__ = "0.1.0"
