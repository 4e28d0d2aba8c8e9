"""Finds the names that somebody may have meant."""

from collections.abc import Iterable


def near_names(word: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return those of some names that are most like a word, at most so many."""
    from difflib import get_close_matches  # a module that few runs of the daemon need

    return get_close_matches(word, list(names), n=most)
