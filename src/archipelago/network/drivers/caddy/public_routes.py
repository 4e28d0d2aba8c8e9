"""The routes of Caddy to what anybody may have of the node, by its own names and addresses. Pure."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from archipelago.api.trust import PublicFile
from archipelago.network.sites import Door
from archipelago.network.trust.choice import prefers

_DEFAULT = "en"
_HOST = "{http.request.host}"


def public_routes(door: Door) -> Iterator[dict[str, Any]]:
    """Yield a route for each file; that of the page in English comes last, for browsers of all other languages."""
    for file in sorted(door.public, key=lambda file: file.language == _DEFAULT):
        yield {
            "match": [{"host": list(door.own), **which} for which in _places(file)],
            "handle": list(_handlers(file)),
            "terminal": True,
        }


def _places(file: PublicFile) -> Iterable[dict[str, Any]]:
    if not file.language:
        return ({"path": [file.path]},)
    own = {"path": [f"{file.path}/{file.language}"]}
    if file.language == _DEFAULT:
        return ({"path": [file.path, *own["path"]]},)
    # Caddy reads expressions as Go does (RE2), where they are those of `prefers`.
    wanted = {"header_regexp": {"Accept-Language": {"pattern": prefers(file.language)}}}
    return (own, {"path": [file.path], **wanted})


def _handlers(file: PublicFile) -> Iterator[dict[str, Any]]:
    headers = {
        "Content-Type": [file.kind],
        "Content-Security-Policy": [file.policy.replace("{host}", _HOST)],
        "X-Content-Type-Options": ["nosniff"],
        "Referrer-Policy": ["no-referrer"],
        "Cache-Control": ["no-store"],
        **({"Vary": ["Accept-Language"]} if file.language else {}),
    }
    try:
        body = file.body.decode()
    except UnicodeDecodeError:
        # The configuration is text: a template makes the bytes of it.
        yield {"handler": "templates", "mime_types": [file.kind]}
        body = f'{{{{ b64dec "{b64encode(file.body).decode()}" }}}}'
    yield {"handler": "static_response", "status_code": 200, "headers": headers, "body": body}
