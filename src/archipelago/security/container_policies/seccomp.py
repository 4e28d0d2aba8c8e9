"""The seccomp profile of a container: the system calls of ordinary programs, and what its manifest names. Pure.

The format is that of containers-common, which Podman and crun read (containers-seccomp.json(5)); names are those of
libseccomp, which leaves out what an architecture lacks. Podman's default profile allows some 330 calls. This one leaves
out those that serve debuggers, sandboxes and administrators: ptrace, mount, setns, unshare, keyctl, bpf, io_uring ….
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from archipelago.container.manifest.model.containers import Container, SystemCalls

_EPERM, _ENOSYS = 1, 38
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID and CLONE_NEWNET together."""
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
"""PER_LINUX, PER_LINUX32, each with UNAME26 too, and the question which one is set."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BASE = _names("""
accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime
clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork
fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_waitv futimesat get_mempolicy get_robust_list getcpu
getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup
io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise mbind membarrier
memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open
mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2 read readahead
readlink readlinkat readv recvfrom recvmmsg recvmsg removexattr rename renameat renameat2 restart_syscall rmdir rseq
rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_mempolicy set_robust_list set_tid_address setfsgid
setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid
setsockopt setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat
statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete
timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask
uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev
""")

_BASE_32_BIT = _names("""
_llseek _newselect chown32 clock_getres_time64 clock_gettime64 clock_nanosleep_time64 fadvise64_64 fchown32 fcntl64
fstat64 fstatat64 fstatfs64 ftruncate64 futex_time64 getegid32 geteuid32 getgid32 getgroups32 getresgid32 getresuid32
getuid32 get_thread_area lchown32 lstat64 mmap2 mq_timedreceive_time64 mq_timedsend_time64 ppoll_time64
pselect6_time64 recv recvmmsg_time64 rt_sigtimedwait_time64 sched_rr_get_interval_time64 semtimedop_time64 send
sendfile64 set_thread_area set_tls setfsgid32 setfsuid32 setgid32 setgroups32 setregid32 setresgid32 setresuid32
setreuid32 setuid32 sigaction sigpending sigprocmask sigreturn sigsuspend stat64 statfs64 timer_gettime64
timer_settime64 timerfd_gettime64 timerfd_settime64 truncate64 ugetrlimit utimensat_time64 waitpid
""")

_FURTHER: Mapping[SystemCalls, tuple[str, ...]] = {
    SystemCalls.DEBUG: ("kcmp", "pidfd_getfd", "process_vm_readv", "process_vm_writev", "ptrace"),
    SystemCalls.IO_URING: ("io_uring_enter", "io_uring_register", "io_uring_setup"),
    SystemCalls.X86_32: _BASE_32_BIT,
}

_REFUSED = _names("""
acct add_key bpf chroot clock_adjtime clock_settime delete_module fanotify_init fanotify_mark finit_module fsconfig
fsmount fsopen fspick init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mount
mount_setattr move_mount name_to_handle_at open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root
process_madvise process_vm_readv process_vm_writev ptrace quotactl reboot request_key setdomainname sethostname setns
settimeofday swapoff swapon syslog umount2 unshare userfaultfd vhangup
""")
"""Known and refused with EPERM; everything else is answered as if the kernel did not have it (ENOSYS), so that programs
such as the C library fall back to an older call."""


def seccomp_profile(container: Container) -> dict[str, Any]:
    """Return the profile of a container, as JSON values."""
    return _profile(container.security.system_calls)


def build_seccomp_json() -> str:
    """Return the profile of a container in which an image is built: no more than an ordinary program needs."""
    return _text(_profile(()))


def _profile(calls: Collection[SystemCalls]) -> dict[str, Any]:
    wanted = sorted(set(calls))
    further = [name for group in wanted for name in _FURTHER[group]]
    with_32_bit = SystemCalls.X86_32 in wanted
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _ENOSYS,
        # Without sub-architectures the kernel ends a process that calls by another architecture's numbers.
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"] if with_32_bit else []},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
        ],
        "syscalls": [
            _allow([*_BASE, *further]),
            _refuse(name for name in _REFUSED if name not in further),
            _allow(["clone"], _argument(0, "SCMP_CMP_MASKED_EQ", _NEW_NAMESPACES, 0)),
            *(_allow(["socket"], _argument(0, "SCMP_CMP_EQ", family)) for family in (_AF_UNIX, _AF_INET, _AF_INET6)),
            # The C library asks the kernel for the addresses of this host; of other kinds nothing is known here.
            _allow(
                ["socket"],
                _argument(0, "SCMP_CMP_EQ", _AF_NETLINK),
                _argument(2, "SCMP_CMP_EQ", _NETLINK_ROUTE),
            ),
            *(_allow(["personality"], _argument(0, "SCMP_CMP_EQ", each)) for each in _PERSONALITIES),
        ],
    }


def seccomp_json(container: Container) -> str:
    """Return the profile of a container as the text of a file; the same needs give the same text."""
    return seccomp_file(container).text


@dataclass(frozen=True, slots=True)
class SeccompFile:
    """A profile as the text of a file, and the name of that file: whoever has another profile has another name."""

    text: str
    content: bytes
    name: str


def seccomp_file(container: Container) -> SeccompFile:
    """Return the profile of a container as a file."""
    return _file(tuple(sorted(set(container.security.system_calls))))


# There are as many profiles as sets of groups, and most of a compilation went into making the same few for each app.
@lru_cache(maxsize=1 << len(SystemCalls))
def _file(calls: tuple[SystemCalls, ...]) -> SeccompFile:
    text = _text(_profile(calls))
    return SeccompFile(text, text.encode(), seccomp_name(text))


def _text(profile: Mapping[str, Any]) -> str:
    return json.dumps(profile, sort_keys=True, separators=(",", ":"))


def seccomp_name(profile: str) -> str:
    """Return the name of the file that holds a profile: whoever has another profile has another name."""
    return f"seccomp-{hashlib.sha256(profile.encode()).hexdigest()[:24]}.json"


def _allow(names: Iterable[str], *arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"names": sorted(names), "action": "SCMP_ACT_ALLOW", "args": list(arguments)}


def _refuse(names: Iterable[str]) -> dict[str, Any]:
    return {"names": sorted(names), "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM, "args": []}


def _argument(index: int, operator: str, value: int, value_two: int = 0) -> dict[str, Any]:
    return {"index": index, "op": operator, "value": value, "valueTwo": value_two}
