"""Texts for people: made so that they can be translated."""
