"""Secrets: kept, shown to nobody, taken out of texts."""
