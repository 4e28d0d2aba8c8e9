"""Asks a machine for its host key, so that its owner can compare the fingerprint before anything is sent there."""

import asyncio

from archipelago.api.backups import HostKey, SshIntroduction
from archipelago.backups.restic.ssh import bare_host, fingerprint, public_key
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
"""Of keys, the best first."""
_PATIENCE = 10


async def introduce(host: str, port: int, seed: str) -> SshIntroduction:
    """Return what a machine says its key is, and the public key of a seed. Raises `NodeError`."""
    found = await _host_key(host, port)
    return SshIntroduction(host_key=found, fingerprint=fingerprint(found), public_key=public_key(seed))


async def _host_key(host: str, port: int) -> HostKey:
    command = ("ssh-keyscan", "-T", str(_PATIENCE), "-p", str(port), "-t", "ed25519,ecdsa,rsa", "--", bare_host(host))
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{program} is not installed", program="ssh-keyscan"),
            hint=msg("run: apt install {package}", package="openssh-client"),
        ) from error
    try:
        async with asyncio.timeout(3 * _PATIENCE):
            output, _ = await process.communicate()
    except TimeoutError:
        output = b""
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.shield(process.wait())
    lines = [line.split() for line in output.decode(errors="replace").splitlines()]
    offered = {words[1]: f"{words[1]} {words[2]}" for words in lines if len(words) == 3}
    for kind in _KINDS:
        if kind in offered:
            return offered[kind]
    raise NodeError(
        ErrorCode.INVALID_VALUE,
        msg("no SSH server answers at {host}, port {port}", host=host, port=port),
        hint=msg("look whether that machine runs, and takes logins over SSH (sshd)"),
    )
