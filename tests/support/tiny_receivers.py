"""Servers on loopback to which the node sends notices: HTTPS as ntfy and webhooks have it, and SMTP."""

import asyncio
import contextlib
import datetime
import json
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD = "node@example.com", "correct horse battery 9"


@dataclass(frozen=True)
class Certificate:
    """A certificate for `localhost` that is its own authority."""

    file: Path

    def trust(self) -> ssl.SSLContext:
        """Return a context that trusts it alone."""
        return ssl.create_default_context(cafile=str(self.file))

    def server(self) -> ssl.SSLContext:
        """Return the context of a server that has it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.file)
        return context


def make_certificate(folder: Path) -> Certificate:
    """Make one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "localhost.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return Certificate(file)


@dataclass
class HttpReceiver:
    """An HTTPS server that stores what it gets."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    """Of the next answers; 200 after them."""
    silent: bool = False
    """Whether it takes requests and never answers."""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers and body."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bodies(self) -> list[Any]:
        """All bodies, as JSON."""
        return [json.loads(body) for _, _, body in self.requests]

    async def answer(self, request: web.Request) -> web.Response:
        """Store a request."""
        self.requests.append((request.path, dict(request.headers), await request.read()))
        self.arrived.set()
        if self.silent:
            await asyncio.Event().wait()
        status = self.statuses.pop(0) if self.statuses else 200
        headers = {"Location": f"{self.url}/elsewhere"} if status in (301, 302, 307, 308) else {}
        return web.Response(status=status, text="{}", headers=headers)

    async def wait_for(self, count: int) -> None:
        """Return once so many requests have arrived."""
        while len(self.requests) < count:
            self.arrived.clear()
            await self.arrived.wait()


@contextlib.asynccontextmanager
async def http_receiver(certificate: Certificate) -> AsyncIterator[HttpReceiver]:
    """Give a server."""
    receiver = HttpReceiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0, ssl_context=certificate.server())
    await site.start()
    receiver.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class MailReceiver:
    """A mail server that stores what it gets from whoever logs in."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refusal: str = ""
    """Answer to each mail, where it takes none."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store a mail; the name is that of aiosmtpd."""
        if self.refusal:
            return self.refusal
        mail = BytesParser(EmailMessage, policy=default).parsebytes(envelope.original_content or b"")
        self.mails.append(mail)
        return "250 OK"


def _authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextlib.asynccontextmanager
async def mail_receiver(certificate: Certificate, *, starttls: bool) -> AsyncIterator[MailReceiver]:
    """Give a mail server that asks for a login, with TLS from the start or after STARTTLS."""
    receiver = MailReceiver()
    context = certificate.server()

    def protocol() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # it does not see the TLS beneath it
            return SMTP(
                receiver,
                hostname="localhost",
                tls_context=context if starttls else None,
                require_starttls=starttls,
                auth_required=True,
                auth_require_tls=starttls,
                authenticator=_authenticate,
            )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "localhost", 0, ssl=None if starttls else context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Give the port of a server on 127.0.0.1 that talks as it likes, until the context ends."""
    talks: dict[asyncio.StreamWriter, asyncio.Future[None]] = {}

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks[writer] = asyncio.ensure_future(talk(reader, writer))

    server = await asyncio.start_server(start, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in talks.values():
            one.cancel()
        await asyncio.gather(*talks.values(), return_exceptions=True)
        # Else the end of a connection may come after that of the event loop.
        for writer in talks:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
