"""Signs requests as services that speak S3 want them (AWS Signature Version 4). Pure."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

_KIND = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class S3Login:
    """Who asks."""

    access_key: str
    secret: str = field(repr=False)
    region: str


def quoted_path(path: str) -> str:
    """Return a path as it is signed and sent."""
    return quote(path, safe=f"/{_UNRESERVED}")


def quoted_query(values: Sequence[tuple[str, str]]) -> str:
    """Return a query as it is signed and sent."""
    pairs = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in values)
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed(method: str, url: str, body: bytes, login: S3Login, now: datetime) -> Mapping[str, str]:
    """Return the headers of a request; `url` has a path and a query that are quoted as above."""
    parts, stamp = urlsplit(url), now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join((method, parts.path or "/", parts.query, lines, names, digest))
    scope = f"{stamp[:8]}/{login.region}/s3/aws4_request"
    text = "\n".join((_KIND, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{login.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{login.access_key}/{scope}"
    return {
        **headers,
        "authorization": f"{_KIND} Credential={credential}, SignedHeaders={names}, Signature={signature}",
    }
