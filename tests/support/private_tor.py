"""A Tor network of its own: directory authorities, relays and a client, as real processes on one address.

`python private_tor.py FOLDER ADDRESS` starts it, and prints one line of JSON once the client has connected: the lines
of torrc(5) by which others join, and where the client's SOCKS port and control port are. It ends with its standard
input. It needs Debian's package tor, and nothing of this project.

Authorities vote every few seconds, which only a testing network may. Nobody learns how long circuits take to build:
on one host that is so little that all of them count as failed once the host is busy for a fifth of a second. Otherwise
all is as in the real one.
"""

import concurrent.futures
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

AUTHORITIES, RELAYS = 3, 3
FIRST_PORT = 15100
SOCKS, CONTROL = 15190, 15191
PASSWORD = "private"
DEADLINE = 60.0
COMMON = """TestingTorNetwork 1
AssumeReachable 1
PathsNeededToBuildCircuits 0.67
AvoidDiskWrites 1
SafeLogging 0
Log notice stdout
V3AuthNIntervalsValid 2
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
TestingServerDownloadInitialDelay 0
TestingClientDownloadInitialDelay 0
TestingServerConsensusDownloadInitialDelay 0
TestingClientConsensusDownloadInitialDelay 0
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 15
"""
RELAY = """ORPort {port}
DirPort {directory}
Address {address}
ExitPolicy reject *:*
SocksPort 0
Nickname {name}
ContactInfo nobody
ConnDirectionStatistics 0
"""
AUTHORITY = """AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteExit *
TestingMinExitFlagThreshold 0
MinUptimeHidServDirectoryV2 0
"""
# SocksTimeout: who is introduced to a service at the moment at which it ends hears nothing, and waits for so long, or
# for twice the time of a circuit, before it asks again; two minutes by default.
CLIENT = """SocksPort {address}:{socks}
SocksPolicy accept *
ControlPort {address}:{control}
HashedControlPassword {password}
SocksTimeout 20
"""


def hashed(password: str) -> str:
    """Return a password as HashedControlPassword has it (RFC 2440, 3.6.1.3): 65,536 bytes of salt and password."""
    salt = bytes(8)
    repeated = (salt + password.encode()) * 65536
    return f"16:{salt.hex()}60{hashlib.sha1(repeated[:65536]).hexdigest()}".upper()


class PrivateTor:
    """Starts the network in a folder, on an address of this host."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.names = [f"auth{number}" for number in range(AUTHORITIES)] + [f"relay{n}" for n in range(RELAYS)]
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> dict[str, object]:
        """Start all of it; return how to join once the client has connected."""
        with concurrent.futures.ThreadPoolExecutor() as threads:
            lines = list(threads.map(self._authority, range(AUTHORITIES)))
        joining = COMMON + "".join(lines)
        for number, name in enumerate(self.names):
            kind = AUTHORITY if number < AUTHORITIES else ""
            self._run(name, joining + kind + self._relay(number, name))
        client = CLIENT.format(address=self.address, socks=SOCKS, control=CONTROL, password=hashed(PASSWORD))
        log = self._run("client", joining + client)
        self._until("Bootstrapped 100%", log)
        return {"join": joining, "address": self.address, "socks": SOCKS, "control": CONTROL, "password": PASSWORD}

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def _relay(self, number: int, name: str) -> str:
        port = FIRST_PORT + 2 * number
        return RELAY.format(port=port, directory=port + 1, address=self.address, name=name)

    def _authority(self, number: int) -> str:
        """Make the keys of an authority; return the line by which others know it."""
        name = f"auth{number}"
        data = self.folder / name
        keys = data / "keys"
        keys.mkdir(parents=True, mode=0o700)
        data.chmod(0o700)
        port = FIRST_PORT + 2 * number
        files = {"i": "authority_identity_key", "s": "authority_signing_key", "c": "authority_certificate"}
        named = [word for flag, file in files.items() for word in (f"-{flag}", str(keys / file))]
        subprocess.run(
            [
                "tor-gencert",
                "--create-identity-key",
                "--passphrase-fd",
                "0",
                "-a",
                f"{self.address}:{port + 1}",
                *named,
            ],
            input=b"private\n",
            capture_output=True,
            check=True,
        )
        certificate = (keys / "authority_certificate").read_text()
        identity = re.search(r"^fingerprint ([0-9A-F]{40})$", certificate, re.MULTILINE)
        assert identity is not None
        # A Tor with a torrc of its own says its fingerprint and ends; it needs some authority to be named.
        torrc = data / "torrc"
        torrc.write_text(
            "TestingTorNetwork 1\nAssumeReachable 1\n"
            + AUTHORITY
            + self._relay(number, name)
            + f"DataDirectory {data}\nDirAuthority x orport=1 v3ident={identity[1]} {self.address}:1 {'F' * 40}\n"
        )
        said = subprocess.run(
            ["tor", "--quiet", "-f", str(torrc), "--list-fingerprint"], capture_output=True, text=True, check=True
        )
        fingerprint = said.stdout.strip().partition(" ")[2].replace(" ", "")
        return (
            f"DirAuthority {name} orport={port} no-v2 v3ident={identity[1]} {self.address}:{port + 1} {fingerprint}\n"
        )

    def _run(self, name: str, text: str) -> Path:
        data = self.folder / name
        data.mkdir(mode=0o700, exist_ok=True)
        (data / "torrc").write_text(f"DataDirectory {data}\n{text}")
        log = data / "log"
        command = ["tor", "--defaults-torrc", "/nonexistent", "-f", str(data / "torrc")]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.processes.append(process)
        return log

    def _until(self, words: str, log: Path) -> None:
        deadline = time.monotonic() + DEADLINE
        while words not in log.read_text(errors="replace"):
            if time.monotonic() > deadline or any(each.poll() is not None for each in self.processes):
                raise TimeoutError(
                    "\n".join(f"{each}: {each.read_text()[-600:]}" for each in self.folder.glob("*/log"))
                )
            time.sleep(0.1)  # no event says that a log has grown


if __name__ == "__main__":
    place = Path(sys.argv[1])
    network = PrivateTor(place, sys.argv[2])
    try:
        try:
            print(json.dumps(network.start()), flush=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(json.dumps({"problem": f"{error} {getattr(error, 'stderr', '')}"}), flush=True)
        sys.stdin.buffer.read()
    finally:
        network.stop()
        shutil.rmtree(place, ignore_errors=True)
