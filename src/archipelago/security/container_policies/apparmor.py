"""The AppArmor profile of a container, for the host's administrator to load (apparmor.d(5)). Pure.

Podman without root cannot put a container under a profile (it says so when asked), so on most hosts this text is
advice. It grants what the mounts of the container grant, and forbids what no app needs.
"""

from archipelago.container.manifest.model.app import AppManifest

_ALWAYS = (
    "network unix,",
    "signal (receive) peer=unconfined,",
    "signal (send, receive) peer=@{profile_name},",
    "ptrace (read, readby) peer=@{profile_name},",
    "/** mrix,",
    "/dev/{null,zero,full,random,urandom,tty,ptmx} rw,",
    "/dev/pts/** rw,",
    "/dev/shm/** rwk,",  # noqa: S108 - paths inside a container
    "/proc/*/{comm,oom_score_adj,timerslack_ns} rw,",
    "/proc/*/task/*/comm rw,",
    "deny mount,",
    "deny umount,",
    "deny pivot_root,",
    "deny ptrace (trace, tracedby),",
    "deny /proc/sys/** wkl,",
    "deny /proc/{kcore,kmem,mem,sysrq-trigger,kallsyms,modules} rwklx,",
    "deny /sys/** wklx,",
    "deny /dev/{mem,kmem,port} rwklx,",
)
_USUAL_SCRATCH = ("/run", "/tmp")  # noqa: S108


def apparmor_name(app: str, container: str) -> str:
    """Return the profile's name on the host."""
    return f"archipelago-{app}--{container}"


def apparmor_profile(manifest: AppManifest, name: str) -> str:
    """Return the text of the profile of one container."""
    container = manifest.containers[name]
    security = container.security
    rules = list(_ALWAYS)
    # Every app has a network of its own, and its firewall says what may cross it.
    rules += [f"network {family} {kind}," for family in ("inet", "inet6") for kind in ("stream", "dgram")]
    rules.append("network netlink raw,")
    rules += [f"capability {each.value.removeprefix('CAP_').lower()}," for each in sorted(set(security.capabilities))]
    written = {mount.path for mount in container.mounts if not mount.read_only}
    written |= {tmpfs.path for tmpfs in container.tmpfs} | set(_USUAL_SCRATCH)
    for path in sorted(written):
        rules += [f"{_quoted(path.rstrip('/') + '/')} rw,", f"{_quoted(path.rstrip('/') + '/**')} rwkl,"]
    rules += [f"{_quoted(device)} rwk," for device in sorted(set(security.devices))]
    if security.writable_root:
        rules.append("/{bin,etc,home,lib*,opt,root,sbin,srv,usr,var}/** rwkl,")
    head = f"profile {apparmor_name(manifest.id, name)} flags=(attach_disconnected,mediate_deleted) {{"
    return "\n".join([head, *(f"  {rule}" for rule in rules), "}", ""])


def _quoted(path: str) -> str:
    """Return a path in which nothing is a pattern (apparmor.d(5), globbing), but for a `/**` at its end."""
    stem, end = (path[:-3], "/**") if path.endswith("/**") else (path, "")
    escaped = "".join(f"\\{letter}" if letter in '\\"*?[]{}^@$,' else letter for letter in stem)
    return f'"{escaped}{end}"'
