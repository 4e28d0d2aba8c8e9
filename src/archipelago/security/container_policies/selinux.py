"""The SELinux module of a container, in CIL, for the host's administrator to load with semodule(8). Pure.

It builds on the block `container` of udica's templates, as the policies of container-selinux do: a process type of its
own for each container, which may do what every container may and what its manifest names.
"""

from archipelago.container.manifest.model.app import AppManifest


def selinux_name(app: str, container: str) -> str:
    """Return the name of the module; its process type is `<name>.process`. Ids hold no underscores, so it is unique."""
    return f"archipelago_{app.replace('-', '_')}__{container.replace('-', '_')}"


def selinux_module(manifest: AppManifest, name: str) -> str:
    """Return the CIL of one container's module."""
    container = manifest.containers[name]
    rules = ["(blockinherit container)"]
    if capabilities := sorted({each.value.removeprefix("CAP_").lower() for each in container.security.capabilities}):
        rules.append(f"(allow process process (capability ({' '.join(capabilities)})))")
        # In a user namespace of its own, which every app has, the kernel asks for these instead.
        rules.append(f"(allow process process (cap_userns ({' '.join(capabilities)})))")
    use = "create connect bind getattr getopt setopt read write shutdown"
    rules += [
        f"(allow process process (tcp_socket ({use} listen accept)))",
        f"(allow process process (udp_socket ({use})))",
    ]
    return "\n".join([f"(block {selinux_name(manifest.id, name)}", *(f"  {rule}" for rule in rules), ")", ""])
