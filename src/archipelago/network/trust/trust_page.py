"""The page that helps any device to trust the node, without a login and without the rest of the node's page. Pure."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib import resources

from archipelago.api.trust import PublicFile, TrustGuide, TrustSteps
from archipelago.network.trust.guide import DER_FILE, PEM_FILE, PLACE, PROBE
from archipelago.support.texts.text import msg
from archipelago.support.texts.translation import Language, translated

_LANGUAGES = {
    Language.EN: "English",
    Language.DE: "Deutsch",
    Language.ES: "Español",
    Language.FR: "Français",
    Language.PT: "Português",
    Language.JA: "日本語",
}
Said = Callable[[str], str]
_MARKED = re.compile(r"\*\*(.+?)\*\*|`(.+?)`")


@dataclass(frozen=True, slots=True)
class PageParts:
    """What the page is made of, beside its texts."""

    html: str
    style: str
    script: str


def read_page_parts() -> PageParts:
    """Read the parts of the page; blocking."""
    folder = resources.files("archipelago.network.trust") / "page"
    return PageParts(*((folder / name).read_text(encoding="utf-8") for name in ("page.html", "page.css", "page.js")))


def trust_page(parts: PageParts, guide: TrustGuide, language: Language, translations: Mapping[str, str]) -> PublicFile:
    """Return the page in a language."""

    def said(text: str) -> str:
        return escape(translated(text, translations))

    command = "`archipelago network status`"
    unprotected = msg(
        "This page came without protection. Compare these with what the node itself shows: on its own page under "
        "{place}, or by {command}.",
        place=msg("**System → Your network**"),
        command=command,
    )
    filled = {
        "language": language.value,
        "title": said(msg("Trust this node")),
        "style": parts.style,
        "script": parts.script,
        "probe": f":{guide.https_port}{PROBE}",
        "intro": said(
            msg(
                "Browsers warn of this node until they trust its certificate. Once is enough for each device. The "
                "certificate is good for addresses of your own network only."
            )
        ),
        "yes": said(msg("This device trusts the node")),
        "no": said(msg("This device does not trust the node yet")),
        "compare": said(msg("Compare before you trust")),
        "unprotected": _marked(said(unprotected)),
        "fingerprint": escape(guide.fingerprint),
        "thumbprint": escape(guide.thumbprint),
        "until": said(msg("Valid until")),
        "valid_until": guide.valid_until.date().isoformat(),
        "yours": said(msg("Your device")),
        "devices": "\n".join(_device(steps, said) for steps in guide.devices),
        "files": f"{said(msg('All files'))}: {_link(PEM_FILE)} (PEM), {_link(DER_FILE)} (DER)",
        "languages": said(msg("Languages")),
        "links": " ".join(
            f'<a href="{PLACE}/{each}" lang="{each}" hreflang="{each}">{name}</a>' for each, name in _LANGUAGES.items()
        ),
    }
    body = re.sub(r"\{(\w+)\}", lambda found: filled[found[1]], parts.html)
    policy = (
        f"default-src 'none'; script-src '{_hash(parts.script)}'; style-src '{_hash(parts.style)}'; "
        f"connect-src https://{{host}}:{guide.https_port}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return PublicFile(PLACE, "text/html; charset=utf-8", body.encode(), language.value, policy=policy)


def _device(steps: TrustSteps, said: Said) -> str:
    items = "".join(f"<li>{_marked(said(step))}</li>" for step in steps.steps)
    get = f'<a class="get" href="{PLACE}/{steps.file}">{said(msg("Download"))}: {escape(steps.file)}</a>'
    return f'<details id="{steps.device}"><summary>{escape(steps.name)}</summary>{get}<ol>{items}</ol></details>'


def _link(file: str) -> str:
    return f'<a href="{PLACE}/{file}" download>{escape(file)}</a>'


def _marked(text: str) -> str:
    """Return HTML, in which some is emphasised, for HTML with the marks of the guide."""
    return _MARKED.sub(lambda found: f"<strong>{found[1]}</strong>" if found[1] else f"<code>{found[2]}</code>", text)


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
