"""The names by which a host is called on its local network. Pure.

A hostname is whatever its owner, an installer or a DHCP server made of it: Linux takes any 64 bytes (sethostname(2)).
"""

import re

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
"""A label of a name as DNS has it (RFC 1123), with the underscores that people use anyway."""
_LONGEST_TITLE = 40


def local_names(hostname: str) -> tuple[str, ...]:
    """Return the names that lead to this host from its network (RFC 6762) and from itself.

    A name in other letters gets its form for DNS (RFC 3490), which browsers ask for; what DNS cannot have is left out.
    """
    label = host_label(hostname)
    return (f"{label}.local", "localhost") if label else ("localhost",)


def host_label(hostname: str) -> str:
    """Return what stands for this host in names of its network; empty where DNS can have nothing like it."""
    label = hostname.partition(".")[0].lower()
    try:
        label = label.encode("idna").decode("ascii")
    except UnicodeError:  # not only letters that IDNA does not know: bytes that are no UTF-8 at all
        return ""
    return label if _LABEL.fullmatch(label) else ""


def title(hostname: str) -> str:
    """Return a hostname as a certificate may carry it: printable ASCII, not too long, and never empty."""
    shown = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in hostname)
    return shown[:_LONGEST_TITLE] or "this host"
