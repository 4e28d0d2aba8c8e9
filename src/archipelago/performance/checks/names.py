"""What the doctor says of the names and the certificates by which the local network finds the node. Pure."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from archipelago.api.local_network import AuthorityDates, DoorReport, DoorState, NameReport, Outlook
from archipelago.api.system import Finding, Severity
from archipelago.support.texts.text import msg

_AHEAD = timedelta(days=1)
_YEAR = timedelta(days=365)


def names_and_certificates(network: Outlook, now: datetime) -> Iterator[Finding]:
    """Compare what a device of the local network finds with what it should; `now` is the clock of this host."""
    yield from authority(network.look.authority, now)
    if not network.wanted:
        return
    for door in network.look.doors:
        yield from _door(door)
    yield from _names(network.look.names, {*network.listening, *network.available})
    if network.listening:
        yield Finding(
            check="firewall",
            severity=Severity.NOTE,
            what=msg("not checked: whether the firewall of this host lets the local network in"),
            why=msg("only root may read its rules"),
            mend="sudo ./archipelago doctor",
        )


def authority(dates: AuthorityDates | None, now: datetime) -> Iterator[Finding]:
    """Look until when devices may go on without the new certificate of the authority."""
    if dates is None or dates.former is None:
        return
    begin, end = dates.former
    mend = msg("let your devices trust the new certificate: 'archipelago network trust' shows how")
    if begin > now + _AHEAD:
        yield Finding(
            check="authority",
            severity=Severity.WARNING,
            what=msg(
                "the clock of this host was ahead: the node had made its certificate on {date}",
                date=begin.date().isoformat(),
            ),
            why=msg("a device that trusted that certificate warns of the node"),
            mend=mend,
        )
    elif now < end < now + _YEAR:
        yield Finding(
            check="authority",
            severity=Severity.WARNING,
            what=msg(
                "the certificate that devices trusted before {since} ends on {date}",
                since=dates.since.date().isoformat(),
                date=end.date().isoformat(),
            ),
            why=msg("from then on they warn of the node, until they trust the new one"),
            mend=mend,
        )
    elif end <= now < end + _YEAR:
        yield Finding(
            check="authority",
            severity=Severity.WARNING,
            what=msg(
                "the certificate that devices trusted before {since} ended on {date}",
                since=dates.since.date().isoformat(),
                date=end.date().isoformat(),
            ),
            why=msg("they warn of the node, until they trust the new one"),
            mend=mend,
        )


def _door(door: DoorReport) -> Iterator[Finding]:
    place = msg("{name} ({address} port {port})", name=door.name, address=door.address, port=door.port)
    warn = msg("browsers warn of it, or show nothing")
    match door.state:
        case DoorState.EXPIRED:
            what = msg("the certificate of {place} has ended", place=place)
            mend = msg("look at the clock ('timedatectl'); the node makes a new certificate within a minute")
        case DoorState.NOT_YET:
            what = msg("the certificate of {place} is not valid yet", place=place)
            mend = msg("look at the clock ('timedatectl'); the node makes a new certificate within a minute")
        case DoorState.FOREIGN:
            what = msg("who answers at {place} has no certificate of this node: {why}", place=place, why=door.detail)
            mend = msg("end what uses the port: 'ss -ltnp' names it")
        case DoorState.MISNAMED:
            what = msg("the certificate of {place} is for another name", place=place)
            mend = msg("restart the node: archipelago power restart")
        case DoorState.SILENT:
            what = msg("nobody answers at {place}: {why}", place=place, why=door.detail)
            warn = msg("what you opened to the local network cannot be reached from there")
            mend = msg("look at the firewall of this host: 'sudo ./archipelago doctor' reads it")
        case DoorState.WELL:
            return
    yield Finding(check="certificates", severity=Severity.WARNING, what=what, why=warn, mend=mend)


def _names(reports: Collection[NameReport], own: Collection[IPv4Address]) -> Iterator[Finding]:
    for report in reports:
        others = sorted(set(report.answers) - set(own))
        if others:
            yield Finding(
                check="names",
                severity=Severity.WARNING,
                what=msg("{name} is also the name of {address}", name=report.name, address=others[0]),
                why=msg("devices open the other machine, or get a warning"),
                mend=msg("give one of the two another name: 'hostnamectl hostname NAME', then restart it"),
            )
        elif not report.answers and report.announced:
            yield Finding(
                check="names",
                severity=Severity.WARNING,
                what=msg("{name} does not resolve at {interface}", name=report.name, interface=report.interface),
                why=msg("devices on that network find the app by the node's address only"),
                mend=msg(
                    "let multicast DNS through: 'ip link set dev INTERFACE multicast on', and UDP port 5353 in the "
                    "firewall"
                ),
            )
        elif not report.answers:
            yield Finding(
                check="names",
                severity=Severity.NOTE,
                what=msg("{name} does not resolve at {interface}", name=report.name, interface=report.interface),
                why=msg("devices on that network find the node's page by its address only"),
                mend="apt install avahi-daemon",
            )
