"""Sends messages by e-mail, over TLS (RFC 5321, 3207, 8314)."""

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

from archipelago.api.notice_channels import EmailTarget, MailSecurity
from archipelago.notifications.message import one_line
from archipelago.notifications.senders.sender import TIMEOUT, SendError, Trust
from archipelago.notifications.wording import WordedMessage
from archipelago.support.connections.outward import Address, ForbiddenAddress, permitted
from archipelago.support.texts.text import msg

if TYPE_CHECKING:
    from smtplib import SMTP

_PART = 8.0
"""Seconds that the server may be silent."""


async def send_email(target: EmailTarget, secret: str | None, message: WordedMessage, trust: Trust) -> None:
    """Send a message as plain text. Raises `SendError`."""
    guard: list[socket.socket] = []
    try:
        address = (await permitted(target.host, target.port))[0]
        # The thread ends with its socket, however slowly the server answers.
        async with asyncio.timeout(TIMEOUT):
            await asyncio.to_thread(_send, target, secret, message, trust, address, guard)
    except ForbiddenAddress as error:
        raise SendError(error.args[0]) from error
    except TimeoutError as error:
        raise SendError(msg("the mail server does not answer in time")) from error
    except OSError as error:
        raise SendError(msg("the mail server cannot be reached: {reason}", reason=_reason(error))) from error
    finally:
        for each in guard:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _send(
    target: EmailTarget,
    secret: str | None,
    message: WordedMessage,
    trust: Trust,
    address: Address,
    guard: list[socket.socket],
) -> None:
    # Imported here: most nodes send no e-mail, and both take memory for as long as the node runs.
    import smtplib
    from email.message import EmailMessage
    from email.utils import format_datetime, localtime

    mail = EmailMessage()
    mail["From"], mail["To"] = target.sender, target.to
    mail["Subject"] = one_line(message.title)
    mail["Date"] = format_datetime(localtime())
    # The same at each attempt: mail servers drop a repetition.
    mail["Message-ID"] = f"<{message.message.id}@{target.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    mail["Content-Language"] = message.language.value
    context = trust()
    link = socket.create_connection((str(address), target.port), timeout=_PART)
    # Another handle of it: TLS takes the first one over.
    guard.append(link.dup())
    client = _connected(link, target, context)
    try:
        try:
            if target.user:
                client.login(target.user, secret or "")
            client.send_message(mail)
        except smtplib.SMTPResponseException as error:
            # Its text is the server's, and may quote what it was sent.
            raise SendError(msg("the mail server refused with code {code}", code=error.smtp_code)) from None
        except smtplib.SMTPRecipientsRefused:
            raise SendError(msg("the mail server does not take mail for {to}", to=target.to)) from None
        except (smtplib.SMTPException, UnicodeError) as error:
            raise _incapable(error) from None
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()  # the message has arrived, whatever comes now
    finally:
        client.close()


def _connected(link: socket.socket, target: EmailTarget, context: ssl.SSLContext) -> "SMTP":
    """Speak with a server over a connection, encrypted; closes it where that fails."""
    import smtplib

    name = target.host.strip("[]")

    class CheckedClient(smtplib.SMTP):
        """Uses a connection whose address was checked."""

        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            return link

    client: CheckedClient | None = None
    try:
        if target.security is MailSecurity.TLS:
            link = context.wrap_socket(link, server_hostname=name)
        # No name of this host: whoever gets the mail need not know it.
        client = CheckedClient(name, target.port, local_hostname="localhost", timeout=_PART)
        if target.security is MailSecurity.STARTTLS:
            client.starttls(context=context)
    except BaseException as error:
        link.close()
        if client is not None:
            client.close()
        if isinstance(error, smtplib.SMTPException):
            raise _incapable(error) from None
        raise
    return client


def _incapable(error: Exception) -> SendError:
    # Its text is the server's, or quotes a password.
    return SendError(msg("the mail server does not do what is needed ({error})", error=type(error).__name__))


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.strerror or type(error).__name__
