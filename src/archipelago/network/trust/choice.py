"""Which language of a page a browser gets. Pure."""

import re
from collections.abc import Iterable

from archipelago.api.trust import PublicFile


def prefers(language: str) -> str:
    """Return the expression that an Accept-Language (RFC 9110, 12.5.4) matches whose first language is this one."""
    return rf"(?i)^\s*{language}\s*(-|,|;|$)"


def chosen(files: Iterable[PublicFile], path: str, accepted: str) -> PublicFile | None:
    """Return the file at a path, for a browser that accepts these languages; None where there is none."""
    found = [each for each in files if path in (each.path, f"{each.path}/{each.language}")]
    named = (each for each in found if each.language and path != each.path)
    preferred = (each for each in found if not each.language or re.search(prefers(each.language), accepted))
    return next(named, None) or next(preferred, None) or next((each for each in found if each.language == "en"), None)
