"""Answers to questions about apps."""
