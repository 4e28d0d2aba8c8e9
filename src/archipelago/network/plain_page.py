"""A page that the node shows in the place of an app: a heading and a sentence, in English. Pure."""

from html import escape

PLAIN_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}}
:root{{color-scheme:light dark}}</style><h1>{title}</h1><p>{text}</p></html>
"""


def plain_page(title: str, text: str) -> str:
    """Return the page as HTML."""
    return _PAGE.format(title=escape(title), text=escape(text))
