"""Builds the parts of a node, layer by layer; each layer takes those below it."""
