"""scripts/session, which keeps root's terminal and locks from the service user's command; tested with a terminal."""

import errno
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.checkout import CHECKOUT

pytestmark = pytest.mark.timeout(300)

SESSION = CHECKOUT / "scripts" / "session"

# As scripts/run does it: in the background of a script that ignores Ctrl-C, and passes TERM on as a hang-up.
LIKE_RUN = """
"$@" & node=$!
trap : INT
trap 'kill -HUP "$node"' TERM
while :; do wait "$node" && code=0 || code=$?; kill -0 "$node" 2>/dev/null || break; done
exit "$code"
"""

# Says each signal, ends at the second INT as the daemon that turns the machine off.
COUNTER = """
import signal, sys
heard = {signal.SIGINT, signal.SIGHUP, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, heard)
print("ready", flush=True)
ints = 0
while ints < 2:
    number = signal.Signals(signal.sigwaitinfo(heard).si_signo)
    print(number.name, flush=True)
    ints += number is signal.SIGINT
sys.exit(81)
"""

STOLEN = """
import errno, fcntl, os, termios
try:
    os.open("/dev/tty", os.O_RDWR)
    print("has a terminal")
except OSError as error:
    print(errno.errorcode[error.errno])
if os.geteuid() != 0:
    try:
        fcntl.ioctl(0, termios.TIOCSTI, b"#")
        print("typed")
    except OSError as error:
        pass
print("end", flush=True)
"""


@dataclass
class Terminal:
    """A terminal, and the job in its foreground."""

    master: int
    job: subprocess.Popen[bytes]
    said: bytes = b""

    def until(self, text: str) -> list[str]:
        """Return the lines up to the one that is waited for; they are not returned again."""
        end = text.encode() + b"\r\n"
        while end not in self.said:
            self.said += os.read(self.master, 4096)
        lines, self.said = self.said.split(end, 1)
        return lines.decode().split()

    def type(self, key: bytes) -> None:
        os.write(self.master, key)


@contextmanager
def terminal(*command: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, settings)

    def take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    job = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=take)
    try:
        yield Terminal(master, job)
    finally:
        os.close(slave)
        os.close(master)  # hangs up
        # The command has a session of its own, which neither the hang-up nor a killed job ends.
        for pid in descendants(job.pid) if job.poll() is None else ():
            os.kill(pid, signal.SIGKILL)
        job.kill()
        job.wait()


def descendants(pid: int) -> list[int]:
    """Return the processes below one that has not been waited for, the deepest first."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for child in children for each in (*descendants(child), child)]


def in_session(program: str) -> list[str]:
    return [sys.executable, "-I", str(SESSION), sys.executable, "-I", "-c", program]


def test_the_command_has_no_terminal_to_type_into() -> None:
    with terminal(*in_session(STOLEN)) as it:
        assert it.until("end") == [errno.errorcode[errno.ENXIO]]


def test_ctrl_c_reaches_the_command_of_a_script_once_and_its_exit_code_comes_back() -> None:
    with terminal("sh", "-euc", LIKE_RUN, "sh", *in_session(COUNTER)) as it:
        it.until("ready")
        it.type(b"\x03")
        assert it.until("SIGINT") == []
        it.job.terminate()
        assert it.until("SIGHUP") == []
        it.type(b"\x03")
        assert it.until("SIGINT") == []
        assert it.job.wait(100) == 81


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_sent_to_it_alone_is_forwarded(number: signal.Signals) -> None:
    with terminal(*in_session(COUNTER)) as it:
        it.until("ready")
        it.job.send_signal(number)
        assert it.until(number.name) == []


def until_state(pid: int, *, stopped: bool) -> None:
    """Wait for what the kernel announces to the parent alone."""
    while (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T") != stopped:
        os.sched_yield()


def test_ctrl_z_stops_the_command_until_its_shell_continues_it() -> None:
    # A shell with jobs: it says when its job has stopped, and continues it.
    jobs = 'set -m; "$@" || true; echo is-stopped; read line; fg %1 >/dev/null'
    printing = f"import os; print(os.getpid(), flush=True)\n{COUNTER}"
    with terminal("bash", "-c", jobs, "bash", *in_session(printing)) as it:
        command = int(it.until("ready")[-1])
        it.type(b"\x1a")
        it.until("is-stopped")
        until_state(command, stopped=True)
        it.type(b"\n")
        until_state(command, stopped=False)
        it.type(b"\x03")
        it.until("SIGINT")
        it.type(b"\x03")
        it.until("SIGINT")
        assert it.job.wait(100) == 81


def test_open_files_of_the_caller_do_not_reach_the_command(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_RDONLY | os.O_CREAT)
    try:
        program = "import os; print([name for name in os.listdir('/proc/self/fd') if int(name) > 3])"
        done = subprocess.run(in_session(program), pass_fds=[lock], capture_output=True, text=True, timeout=100)
    finally:
        os.close(lock)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0)


def test_how_the_command_ended_is_passed_on() -> None:
    for program, code in (("raise SystemExit(80)", 80), ("import os; os.kill(os.getpid(), 9)", 137)):
        assert subprocess.run(in_session(program), timeout=100).returncode == code
    missing = subprocess.run([sys.executable, "-I", SESSION, "/nowhere"], capture_output=True, text=True, timeout=100)
    assert missing.returncode == 127
    assert "/nowhere cannot be started" in missing.stderr
