"""Compares pictures of the page with those that were looked at, but for how letters are smoothed."""

import io
from pathlib import Path

from PIL import Image, ImageChops

_SHRUNK = 2
"""Pictures are kept at half of their size: what a browser smooths differently is gone there."""
_COLOURS = 128
_NOTICED = 40
"""Difference of a colour, of 255, from which two points are different ones."""
_ALLOWED = 0.004
"""Share of points that may differ."""


def shrunk(picture: bytes) -> Image.Image:
    """Return a picture as it is kept."""
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    return whole.resize((whole.width // _SHRUNK, whole.height // _SHRUNK), Image.Resampling.BOX)


def keep(picture: bytes, path: Path) -> None:
    """Keep a picture that was looked at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shrunk(picture).quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def difference(picture: bytes, path: Path) -> str:
    """Return how a picture differs from the one that is kept; empty where it looks the same."""
    if not path.exists():
        return "no picture of it is kept yet"
    now, before = shrunk(picture), Image.open(path).convert("RGB")
    if now.size != before.size:
        return f"it is {now.size}, and was {before.size} (at half size)"
    grey = ImageChops.difference(now, before).convert("L")
    histogram = grey.histogram()
    share = sum(histogram[_NOTICED:]) / (now.width * now.height)
    if share <= _ALLOWED:
        return ""
    box = grey.point(lambda value: 255 if value >= _NOTICED else 0).getbbox()
    return f"{share:.2%} of its points differ, within {box} (at half size)"
