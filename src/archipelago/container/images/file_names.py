"""Names of files in archives of unknown origin. Pure."""


def wrong_file_name(name: str) -> str | None:
    """Return why a name (with `/`) is not that of a file below the folder that it is unpacked to; None where it is."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return f"{name!r} leads out of the folder that it is unpacked to"
    if not name.isprintable() or "\\" in name or len(name) > 1000 or any(len(part.encode()) > 255 for part in parts):
        return f"{name!r} is not a file's name"
    return None
