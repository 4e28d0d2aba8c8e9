"""A page that the node shows in the place of an app: a heading, a sentence and perhaps a link, in English. Pure."""

from html import escape

PLAIN_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}}
:root{{color-scheme:light dark}}</style><h1>{title}</h1><p>{text}</p>{more}</html>
"""


def plain_page(title: str, text: str, *, link: tuple[str, str] | None = None) -> str:
    """Return the page as HTML, with a link, as where it leads and what it says."""
    more = "" if link is None else f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>'
    return _PAGE.format(title=escape(title), text=escape(text), more=more)
