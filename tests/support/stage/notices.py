"""What needs the owner in a scene, and by which channels he is told."""

from datetime import timedelta
from typing import Any

from archipelago.api.notice_channels import (
    Channel,
    ChannelSettings,
    EmailTarget,
    Least,
    NtfyTarget,
    WebhookTarget,
)
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.storage.records.notices import Hiding
from archipelago.support.texts.text import msg
from support.stage.scene import NOW


def notice(number: int, level: Severity, text: str, consequence: str = "") -> Notice:
    """Return a finding of the doctor's."""
    return Notice(
        id=f"finding {number}",
        said=f"{number}",
        level=level,
        kind=NoticeKind.FINDING,
        cause=f"host:check-{number % 25}",
        text=text,
        consequence=consequence,
        mend="set it up",
    )


def of_node(key: str, level: Severity, kind: NoticeKind, cause: str, text: str, **more: Any) -> Notice:
    """Return a notice of any kind."""
    return Notice(id=key, said="0" * 16, level=level, kind=kind, cause=cause, text=text, **more)


CHANNELS = (
    Channel(
        id="0" * 16,
        settings=ChannelSettings(name="My phone", target=NtfyTarget(kind="ntfy", topic="node-5d0f6d3c8a41b7e29c10")),
        secret_set=False,
        waiting=0,
        sent_at=NOW - timedelta(hours=3),
    ),
    Channel(
        id="1" * 16,
        settings=ChannelSettings(
            name="Mail to Maria",
            target=EmailTarget(
                kind="email",
                host="smtp.example.com",
                user="node@example.com",
                sender="node@example.com",
                to="maria@example.com",
            ),
            least=Least.ERROR,
        ),
        secret_set=True,
        waiting=2,
        failures=4,
        problem=msg("the mail server refused with code {code}", code=535),
    ),
    Channel(
        id="2" * 16,
        settings=ChannelSettings(
            name="Home Assistant",
            target=WebhookTarget(kind="webhook", url="https://192.168.1.20:8123/api/webhook/x"),
            least=Least.NOTE,
        ),
        secret_set=True,
        waiting=0,
    ),
)
CAUSES = (
    of_node(
        "app:lnd",
        Severity.ERROR,
        NoticeKind.APP,
        "app:lnd",
        "LND does not run as it should",
        app="lnbits",
        name="Lightning",
        detail="ended with exit code 2 after 4 s",
        consequence="it cannot watch over the money to which it has the keys, and apps that use it do not work",
    ),
    of_node(
        "disk:data",
        Severity.WARNING,
        NoticeKind.DISK,
        "disk",
        "little disk is left",
        consequence="apps stop, and their databases may be damaged, when the disk is full",
    ),
    *(
        of_node(
            f"finding:enforcement-{limit}",
            Severity.WARNING,
            NoticeKind.FINDING,
            "host:enforcement",
            f"not enforced on this host: {limit}",
            consequence="an app can take more than its share",
            mend="set it up",
        )
        for limit in ("limits of disk speed", "AppArmor")
    ),
    of_node(
        f"channel:{'1' * 16}",
        Severity.WARNING,
        NoticeKind.CHANNEL,
        "channels",
        "notices do not arrive by Mail to Maria",
        name="Mail to Maria",
        detail=msg("the mail server refused with code {code}", code=535),
        consequence="you do not hear of problems while you are away from this page",
    ),
    *(
        of_node(
            f"update:{app}",
            Severity.NOTE,
            NoticeKind.UPDATE,
            "updates",
            f"{name} {version} is available",
            app=app,
            name=name,
            version=version,
            consequence="fixes of this version are missing, also those of security problems",
        )
        for app, name, version in (
            ("mempool", "Mempool", "3.3.0"),
            ("electrumx", "ElectrumX", "1.19"),
            ("tor", "Tor", "0.4.9"),
            ("home-assistant", "Home Assistant", "2026.11.3"),
        )
    ),
    of_node(
        "finding:swap",
        Severity.WARNING,
        NoticeKind.FINDING,
        "host:swap",
        "there is no swap",
        hidden=Hiding.MUTED,
    ),
    of_node(
        "finding:clock",
        Severity.WARNING,
        NoticeKind.FINDING,
        "host:clock",
        "the clock is not synchronised",
        hidden=Hiding.REMINDED,
        hidden_until=NOW + timedelta(days=1),
    ),
)
FINDINGS = (
    ("swap", "there is no swap"),
    ("clock", "the clock is not synchronised"),
    *(
        ("enforcement", f"not enforced on this host: {limit}")
        for limit in ("limits of disk speed", "AppArmor", "seccomp")
    ),
    *(("ports", f"port {port} is taken by another program") for port in range(8332, 8340)),
)
MANY_NOTICES = (
    *(
        of_node(
            f"operation:op-{at}",
            Severity.WARNING,
            NoticeKind.OPERATION,
            f"app:app-{at}",
            f"the last operation on App {at} failed (update)",
            app=f"app-{at}",
            name=f"App {at}",
            detail="the image cannot be downloaded: connection timed out",
            consequence=f"App {at} stays as it is; the node does not try again by itself",
        )
        for at in range(14)
    ),
    *(
        of_node(
            f"finding:{check}-{at}",
            Severity.ERROR if check == "clock" else Severity.WARNING,
            NoticeKind.FINDING,
            f"host:{check}",
            text,
            consequence="apps may not work as they should",
            mend="set it up",
        )
        for at, (check, text) in enumerate(FINDINGS)
    ),
    *(
        of_node(
            f"update:app-{at}",
            Severity.NOTE,
            NoticeKind.UPDATE,
            "updates",
            f"App {at} 2.0 is available",
            app=f"app-{at}",
            name=f"App {at}",
            version="2.0",
        )
        for at in range(13)
    ),
)
