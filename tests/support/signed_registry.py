"""A real container registry that Podman trusts, with cosign and the keys of two publishers."""

import contextlib
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archipelago.security.image_verifier.keyless import BUNDLE_TYPE
from support.harness import free_port, podman
from support.podman_fixtures import busybox_rootfs
from support.servers import until_listening

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_TOOLS = Path("/opt/archipelago/test-tools/bin")
_CERTS = Path(os.environ.get("HOME", "/")) / ".config/containers/certs.d"
_REGISTRY = """version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "localhost:{port}", tls: {{certificate: {certificate}, key: {key}}}}}
log: {{level: error}}
"""


@dataclass
class SignedRegistry:
    """A registry, and the keys of two publishers."""

    host: str
    folder: Path
    images: int = 0

    def cosign(self, *arguments: str) -> None:
        """Run cosign, which reaches nothing but this registry."""
        environment = {
            **os.environ,
            "COSIGN_PASSWORD": "",
            "SSL_CERT_FILE": str(self.folder / "certificate.pem"),
            "HOME": str(self.folder),
        }
        command = [str(_TOOLS / "cosign"), *arguments]
        done = subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def publish(self, repository: str, tag: str = "1") -> str:
        """Push an image that nobody has pushed before; return its reference."""
        self.images += 1
        name = f"{self.host}/{repository}:{tag}"
        tar = busybox_rootfs(self.folder / "root.tar")
        podman("import", "--change", f"LABEL number={self.images}", str(tar), name)
        podman("push", "--digestfile", str(self.folder / "digest"), name)
        podman("rmi", name)
        return f"{name}@{(self.folder / 'digest').read_text().strip()}"

    def sign(self, reference: str, who: str) -> None:
        """Sign an image with somebody's key."""
        name, _, digest = reference.partition("@")
        target = f"{name.rpartition(':')[0]}@{digest}"
        self.cosign("sign", "--key", f"{who}.key", "--tlog-upload=false", "--yes", target)

    def attach(self, reference: str, bundle: dict[str, Any]) -> None:
        """Put a Sigstore bundle beside an image, as cosign does where a registry has no list of referrers."""
        name, _, digest = reference.partition("@")
        repository = name.partition("/")[2].rpartition(":")[0]
        manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "artifactType": BUNDLE_TYPE}
        manifest["config"] = self._upload(repository, b"{}", "application/vnd.oci.empty.v1+json")
        manifest["layers"] = [self._upload(repository, json.dumps(bundle).encode(), BUNDLE_TYPE)]
        text = json.dumps(manifest).encode()
        own = f"sha256:{hashlib.sha256(text).hexdigest()}"
        self._put(f"{repository}/manifests/{own}", text, _MANIFEST)
        entry = {"mediaType": _MANIFEST, "digest": own, "size": len(text), "artifactType": BUNDLE_TYPE}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}
        self._put(f"{repository}/manifests/{digest.replace(':', '-')}", json.dumps(index).encode(), _INDEX)

    def _upload(self, repository: str, content: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begin = urllib.request.Request(f"https://{self.host}/v2/{repository}/blobs/uploads/", method="POST")
        with urllib.request.urlopen(begin, context=self._context()) as answer:
            place = answer.headers["Location"]
        joint = "&" if "?" in place else "?"
        self._put(f"{place}{joint}digest={quote(digest)}", content, "application/octet-stream")
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def _put(self, place: str, content: bytes, kind: str) -> None:
        url = place if place.startswith("https://") else f"https://{self.host}/v2/{place}"
        request = urllib.request.Request(url, content, {"Content-Type": kind}, method="PUT")
        urllib.request.urlopen(request, context=self._context()).close()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))

    def data(self) -> Path:
        """Return where the registry keeps its files."""
        return self.folder / "registry" / "docker/registry/v2"

    def blob(self, digest: str) -> Path:
        """Return the file of a blob."""
        digits = digest.removeprefix("sha256:")
        return self.data() / "blobs/sha256" / digits[:2] / digits / "data"

    def link(self, repository: str, tag: str) -> Path:
        """Return the file that says what a tag leads to."""
        return self.data() / "repositories" / repository / "_manifests/tags" / tag / "current/link"


@contextlib.contextmanager
def signed_registry(folder: Path) -> Iterator[SignedRegistry]:
    """Give a registry that Podman and the node trust, with its files in an empty folder."""
    key, certificate, port = folder / "key.pem", folder / "certificate.pem", free_port()
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    config = folder / "registry.yml"
    config.write_text(_REGISTRY.format(root=folder / "registry", port=port, certificate=certificate, key=key))
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([str(_TOOLS / "docker-registry"), "serve", str(config)], stdout=log, stderr=log)
    found = SignedRegistry(f"localhost:{port}", folder)
    trusted = _CERTS / found.host
    trusted.mkdir(parents=True)
    shutil.copy(certificate, trusted / "ca.crt")
    try:
        for who in ("alice", "bob"):
            found.cosign("generate-key-pair", "--output-key-prefix", who)
        until_listening(process, port)
        yield found
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(trusted)
