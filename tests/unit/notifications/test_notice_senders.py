"""Messages reach real servers, and secrets reach no others."""

import asyncio
import hashlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archipelago.api.notice_channels import EmailTarget, MailSecurity, NtfyTarget, WebhookTarget
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.notifications.message import compose
from archipelago.notifications.senders import email as email_module
from archipelago.notifications.senders import http as http_module
from archipelago.notifications.senders.email import send_email
from archipelago.notifications.senders.http import SIGNATURE, send_ntfy, send_webhook
from archipelago.notifications.senders.sender import SendError
from archipelago.notifications.wording import WordedMessage, worded
from archipelago.storage.records.notice_channels import Announced
from archipelago.support.texts.text import msg
from archipelago.support.texts.translation import Language, read_translations
from support.tiny_receivers import (
    PASSWORD,
    USER,
    Certificate,
    HttpReceiver,
    http_receiver,
    mail_receiver,
    make_certificate,
    raw_server,
)

EVIL = "Knots\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\u202e"


def notice(name: str = "Knots", level: Severity = Severity.ERROR) -> Notice:
    """Return a notice whose log lines must not leave the node."""
    return Notice(
        id="app:knots",
        said="0" * 16,
        level=level,
        kind=NoticeKind.APP,
        cause="app:knots",
        app="knots",
        name=name,
        text=f"{name} does not run as it should",
        detail="rpcpassword=in-the-log",
        consequence="apps that use it do not work",
    )


def message(*notices: Notice, language: Language = Language.EN) -> WordedMessage:
    found = compose("c0ffee" * 5, 1.0, notices, (), "https://192.168.1.5:8480/")
    return worded(found, language, read_translations(language))


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
async def server(certificate: Certificate) -> AsyncIterator[HttpReceiver]:
    async with http_receiver(certificate) as receiver:
        yield receiver


def email(port: int, **more: object) -> EmailTarget:
    given = {
        "kind": "email",
        "host": "localhost",
        "port": port,
        "user": USER,
        "sender": USER,
        "to": "owner@example.com",
    }
    return EmailTarget.model_validate({**given, **more})


async def test_ntfy_gets_its_own_json_with_the_token_in_a_header(
    server: HttpReceiver, certificate: Certificate
) -> None:
    target = NtfyTarget(kind="ntfy", server=server.url, topic="my-node")
    await send_ntfy(target, "tk_secret", message(notice()), certificate.trust)
    ((path, headers, _),), (body,) = server.requests, server.bodies
    assert path == "/" and headers["Authorization"] == "Bearer tk_secret"
    assert body == {
        "topic": "my-node",
        "title": "Urgent: Knots does not run as it should",
        "message": "Urgent: Knots does not run as it should\n"
        "If nothing is done: apps that use it do not work\n\nhttps://192.168.1.5:8480/",
        "priority": 5,
        "tags": ["rotating_light"],
        "click": "https://192.168.1.5:8480/",
    }
    resolved = compose("a", 1.0, (), (Announced("error", "Knots", "Knots does not run as it should"),), "")
    await send_ntfy(target, None, worded(resolved, Language.EN, {}), certificate.trust)
    assert "Authorization" not in server.requests[1][1] and "click" not in server.bodies[1]
    assert server.bodies[1]["title"].startswith("Resolved: ") and server.bodies[1]["tags"] == ["white_check_mark"]
    assert server.bodies[1]["priority"] == 3


async def test_ntfy_makes_no_file_of_a_long_message(server: HttpReceiver, certificate: Certificate) -> None:
    many = [notice(name="名" * 290).model_copy(update={"id": f"app:{number}"}) for number in range(40)]
    await send_ntfy(NtfyTarget(kind="ntfy", server=server.url, topic="t"), None, message(*many), certificate.trust)
    assert len(server.bodies[0]["message"].encode()) < 4096 and "30 more" not in server.bodies[0]["title"]
    assert "(and 39 more)" in server.bodies[0]["title"]


async def test_a_webhook_gets_signed_json_that_a_receiver_can_check(
    server: HttpReceiver, certificate: Certificate
) -> None:
    target = WebhookTarget(kind="webhook", url=f"{server.url}/hook?for=me")
    await send_webhook(target, "key", message(notice()), certificate.trust)
    path, headers, body = server.requests[0]
    assert path == "/hook" and headers["Idempotency-Key"] == "c0ffee" * 5
    assert headers[SIGNATURE] == f"sha256={hmac.new(b'key', body, hashlib.sha256).hexdigest()}"
    content = json.loads(body)
    assert (content["level"], content["page"]) == ("error", "https://192.168.1.5:8480/")
    assert content["items"] == [
        {
            "state": "new",
            "level": "error",
            "app": "Knots",
            "text": "Knots does not run as it should",
            "consequence": "apps that use it do not work",
            "messages": {},
        }
    ]
    await send_webhook(target, None, message(), certificate.trust)
    assert SIGNATURE not in server.requests[1][1] and server.bodies[1]["items"] == []


async def test_a_webhook_in_another_language_gets_what_its_texts_were_made_of(
    server: HttpReceiver, certificate: Certificate
) -> None:
    down = notice().model_copy(update={"text": msg("{app} does not run as it should", app="Knots")})
    german = message(down, language=Language.DE)
    await send_webhook(WebhookTarget(kind="webhook", url=server.url), None, german, certificate.trust)
    (content,) = server.bodies
    assert content["language"] == "de" and content["title"] == "Dringend: Knots läuft nicht richtig"
    (item,) = content["items"]
    assert item["text"] == "Knots läuft nicht richtig" and item["level"] == "error"
    assert item["messages"]["text"] == {"key": "{app} does not run as it should", "parameters": {"app": "Knots"}}


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 500])
async def test_only_success_counts_and_no_redirect_is_followed(
    server: HttpReceiver, certificate: Certificate, status: int
) -> None:
    server.statuses = [status]
    with pytest.raises(SendError, match=f"status {status}"):
        await send_webhook(WebhookTarget(kind="webhook", url=server.url), "key", message(), certificate.trust)
    assert [path for path, _, _ in server.requests] == ["/"]


async def test_a_certificate_that_nobody_vouches_for_is_refused(server: HttpReceiver, certificate: Certificate) -> None:
    other = make_certificate(certificate.file.parent)  # takes the place of the file, not of the server's certificate
    with pytest.raises(SendError, match="cannot be reached"):
        await send_webhook(WebhookTarget(kind="webhook", url=server.url), "key", message(), other.trust)
    assert server.requests == []
    async with mail_receiver(certificate, starttls=True) as mails:
        other = make_certificate(certificate.file.parent)
        with pytest.raises(SendError, match=r"cannot be reached: .*certificate"):
            await send_email(
                email(mails.port, security=MailSecurity.STARTTLS), PASSWORD, message(notice()), other.trust
            )
    assert mails.mails == []


async def test_a_server_that_never_answers_is_left(
    server: HttpReceiver, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "TIMEOUT", 0.3)
    monkeypatch.setattr(email_module, "TIMEOUT", 0.3)
    server.silent = True
    with pytest.raises(SendError, match="no answer in time"):
        await send_webhook(WebhookTarget(kind="webhook", url=server.url), None, message(), certificate.trust)
    left = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(1000) != b"":
                pass
        except ConnectionError:
            pass
        left.set()
        writer.close()

    async with raw_server(drip) as port:
        started = time.monotonic()
        with pytest.raises(SendError, match="does not answer in time"):
            await send_email(email(port, host="127.0.0.1"), PASSWORD, message(), certificate.trust)
        assert time.monotonic() - started < 20, "unlike the real one, which is longer"
        await asyncio.wait_for(left.wait(), 20)


@pytest.mark.parametrize("starttls", [False, True])
async def test_mail_arrives_encrypted_after_a_login(certificate: Certificate, starttls: bool) -> None:
    security = MailSecurity.STARTTLS if starttls else MailSecurity.TLS
    async with mail_receiver(certificate, starttls=starttls) as server:
        target = email(server.port, security=security)
        await send_email(target, PASSWORD, message(notice()), certificate.trust)
        (mail,) = server.mails
        assert mail["Subject"] == "Urgent: Knots does not run as it should"
        assert (mail["From"], mail["To"]) == (USER, "owner@example.com")
        assert mail["Message-ID"] == f"<{'c0ffee' * 5}@example.com>", "the same at each attempt"
        assert mail["Content-Language"] == "en"
        assert mail["Auto-Submitted"] == "auto-generated" and mail.get_content_type() == "text/plain"
        assert "in-the-log" not in str(mail) and "https://192.168.1.5:8480/" in mail.get_content()
        with pytest.raises(SendError, match="code 535") as refused:
            await send_email(target, "wrong password", message(), certificate.trust)
        assert "wrong password" not in str(refused.value)
        with pytest.raises(SendError, match="UnicodeEncodeError"):
            await send_email(target, "pässword", message(), certificate.trust)
        server.refusal = f"554 refused {PASSWORD}"
        with pytest.raises(SendError, match="code 554") as refused:
            await send_email(target, PASSWORD, message(), certificate.trust)
        assert PASSWORD not in str(refused.value)


async def test_a_server_without_encryption_gets_no_password(certificate: Certificate) -> None:
    said: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            said.append(line)
            writer.write(b"250 AUTH PLAIN LOGIN\r\n")
        writer.close()

    async with raw_server(plain) as port:
        with pytest.raises(SendError, match="does not do what is needed"):
            await send_email(
                email(port, host="127.0.0.1", security=MailSecurity.STARTTLS), PASSWORD, message(), certificate.trust
            )
    assert all(line.upper().startswith((b"EHLO", b"HELO", b"QUIT")) for line in said)


async def test_names_of_apps_add_no_header_and_no_markup(certificate: Certificate, server: HttpReceiver) -> None:
    evil = message(notice(name=EVIL))
    async with mail_receiver(certificate, starttls=False) as mails:
        await send_email(email(mails.port), PASSWORD, evil, certificate.trust)
        (mail,) = mails.mails
        assert mail["Bcc"] is None and "Bcc: eve" in str(mail["Subject"]), "it is a part of the subject alone"
        assert mail.get_content_type() == "text/plain" and "\u202e" not in mail.get_content()
    await send_webhook(WebhookTarget(kind="webhook", url=server.url), None, evil, certificate.trust)
    assert "Bcc" not in server.requests[0][1]
    assert not set(server.bodies[0]["title"]) & {"\r", "\n", "\u202e"}


async def test_a_name_that_leads_to_loopback_is_not_connected_to(
    server: HttpReceiver, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.url.rpartition(":")[2])

    async def rebound(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
    with pytest.raises(SendError, match=r"evil\.example is 127\.0\.0\.1"):
        await send_webhook(
            WebhookTarget(kind="webhook", url=f"https://evil.example:{port}/"), None, message(), certificate.trust
        )
    with pytest.raises(SendError, match=r"evil\.example is 127\.0\.0\.1"):
        await send_email(email(port, host="evil.example"), PASSWORD, message(), certificate.trust)
    assert server.requests == []
