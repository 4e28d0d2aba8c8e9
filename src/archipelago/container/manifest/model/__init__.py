"""The manifest as a model, part by part."""
