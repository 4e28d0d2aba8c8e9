"""A container registry that knows one image: real HTTPS with a certificate that Podman is made to trust."""

import asyncio
import contextlib
import gzip
import hashlib
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class TinyImage:
    """An image of one root file system, as a registry keeps it: blobs, manifest, index (OCI image spec 1.0)."""

    def __init__(self, root_tar: bytes, architecture: str, labels: dict[str, str], *volumes: str) -> None:
        layer = gzip.compress(root_tar, mtime=0)
        config = json.dumps(
            {
                "architecture": architecture,
                "os": "linux",
                "config": {"Labels": labels, "Volumes": {path: {} for path in volumes}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(root_tar)]},
            }
        ).encode()
        self.blobs = {_digest(blob): blob for blob in (layer, config)}
        kinds = ((config, "config.v1+json"), (layer, "layer.v1.tar+gzip"))
        parts = [
            {"mediaType": f"application/vnd.oci.image.{kind}", "digest": _digest(blob), "size": len(blob)}
            for blob, kind in kinds
        ]
        self.manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": _MANIFEST, "config": parts[0], "layers": parts[1:]}
        ).encode()
        # As with most images, the reference names an index of manifests, one for each architecture.
        self.index = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _INDEX,
                "manifests": [
                    {
                        "mediaType": _MANIFEST,
                        "digest": _digest(self.manifest),
                        "size": len(self.manifest),
                        "platform": {"architecture": architecture, "os": "linux"},
                    }
                ],
            }
        ).encode()
        self.digest = _digest(self.index)
        self.documents = {_digest(self.manifest): (self.manifest, _MANIFEST), self.digest: (self.index, _INDEX)}


@contextlib.asynccontextmanager
async def tiny_registry(
    home: Path, folder: Path, *images: TinyImage, ready: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """Serve images under every name; yield `localhost:PORT`. `home` is that of Podman's user, who then trusts it.

    Where `ready` is given, whoever asks for the content of an image waits for it.
    """
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def version(_: web.Request) -> web.Response:
        return web.json_response({})

    async def manifest(request: web.Request) -> web.Response:
        for image in images:
            if found := image.documents.get(request.match_info["reference"]):
                return web.Response(body=found[0], content_type=found[1])
        raise web.HTTPNotFound

    async def blob(request: web.Request) -> web.Response:
        if ready is not None:
            await ready.wait()
        for image in images:
            if content := image.blobs.get(request.match_info["digest"]):
                return web.Response(body=content, content_type="application/octet-stream")
        raise web.HTTPNotFound

    app = web.Application()
    app.router.add_get("/v2/", version)
    app.router.add_get("/v2/{name:.+}/manifests/{reference}", manifest)
    app.router.add_get("/v2/{name:.+}/blobs/{digest}", blob)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0, ssl_context=context)
    await site.start()
    host = f"localhost:{runner.addresses[0][1]}"
    trusted = home / ".config" / "containers" / "certs.d" / host
    trusted.mkdir(parents=True)
    shutil.copy(certificate, trusted / "ca.crt")
    try:
        yield host
    finally:
        if ready is not None:
            ready.set()
        shutil.rmtree(trusted)
        await runner.cleanup()
