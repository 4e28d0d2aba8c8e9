"""Kinds of chain daemon: one folder each, and one line in `registry`. Pure, and it knows no app."""
