"""What volumes hold, and whether an update has a way back, in words."""

_CLASSES = {
    "rebuildable": "can be made again",
    "files": "files",
    "database": "database",
    "append-proof": "proof of money",
    "never-restore": "never restored",
}
_WAYS_BACK = {
    "yes": "way back: the version before can read what this one writes",
    "until-first-write": "way back: loses what is written after the update, which the version before may not read",
    "no": "NO WAY BACK: once this version has started, the one before cannot take over again",
}


def class_words(data: str) -> str:
    """Return what a volume of a class holds."""
    return _CLASSES[data]


def data_words(volumes: dict[str, str]) -> str:
    """Return what each volume of an app holds, by the classes of its volumes."""
    return ", ".join(f"{name} ({class_words(data)})" for name, data in volumes.items())


def way_back_words(way_back: str) -> str:
    """Return whether an update has a way back."""
    return _WAYS_BACK[way_back]
