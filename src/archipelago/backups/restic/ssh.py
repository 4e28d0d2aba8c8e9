"""How a machine is reached over SSH: by the node's key, and by nothing that a user of this machine has set up. Pure."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archipelago.api.backups import SftpTarget

_KEY, _KNOWN, LOG = "ssh-key", "known-hosts", "ssh-log"
"""Names of files. The last is for errors: restic may end before it has read those that ssh writes."""
_ALIAS = "target"
"""Name of the machine among known hosts; its address may change, its key may not."""
_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "UserKnownHostsFile": f"{{{_KNOWN}}}",
    "GlobalKnownHostsFile": "none",
    "HostKeyAlias": _ALIAS,
    "CheckHostIP": "no",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "IdentityFile": f"{{{_KEY}}}",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "PermitLocalCommand": "no",
    "ControlPath": "none",
    "LogLevel": "ERROR",
    "ConnectTimeout": "30",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
}
_ALGORITHMS = {"ssh-rsa": "rsa-sha2-512,rsa-sha2-256"}


def command(target: SftpTarget) -> str:
    """Return the command that starts SFTP on a machine, as restic splits it; it names `files`."""
    words = [
        *("ssh", "-F", "none", "-E", f"{{{LOG}}}", "-p", str(target.port), "-l", target.user),
        *(word for name, value in _options(target).items() for word in ("-o", f"{name}={value}")),
        *("-s", "--", bare_host(target.host), "sftp"),
    ]
    return " ".join(words)


def batch_command(target: SftpTarget, batch: str) -> tuple[str, ...]:
    """Return the command that carries out a file of `files`, `batch`, with lines as sftp(1) has them."""
    host = bare_host(target.host)
    return (
        *("sftp", "-q", "-F", "none", "-b", f"{{{batch}}}", "-P", str(target.port)),
        *(word for name, value in _options(target).items() for word in ("-o", f"{name}={value}")),
        f"{target.user}@[{host}]" if ":" in host else f"{target.user}@{host}",
    )


def _options(target: SftpTarget) -> dict[str, str]:
    kind = target.host_key.split()[0]
    return {**_OPTIONS, "HostKeyAlgorithms": _ALGORITHMS.get(kind, kind)}


def files(target: SftpTarget, key: str) -> dict[str, str]:
    """Return the files of the command; `key` is a private key in OpenSSH's form."""
    return {_KEY: key, _KNOWN: f"{_ALIAS} {target.host_key}\n", LOG: ""}


def private_key(seed: str) -> str:
    """Return the private key of a seed of 256 bits, in hexadecimal, in OpenSSH's form."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def public_key(seed: str) -> str:
    """Return the line of `authorized_keys` of a seed; what logs in so gets no terminal, and forwards nothing."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).public_key()
    return f"restrict {key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} archipelago"


def fingerprint(host_key: str) -> str:
    """Return the fingerprint of a public key, as ssh-keygen shows it. Raises `ValueError`."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1], validate=True)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def bare_host(host: str) -> str:
    """Return a host without the brackets that an address of IPv6 may have."""
    return host.strip("[]")
