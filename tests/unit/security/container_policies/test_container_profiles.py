"""The seccomp, AppArmor and SELinux profiles, held against the compilers of the latter two."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.containers import Capability, Container, SystemCalls
from archipelago.security.container_policies.apparmor import apparmor_name, apparmor_profile
from archipelago.security.container_policies.seccomp import seccomp_json, seccomp_name, seccomp_profile
from archipelago.security.container_policies.selinux import selinux_module, selinux_name
from support.app_manifests import app
from support.examples import examples

TOOLS = Path("/opt/archipelago/test-tools/bin")
BASE_POLICY = Path(__file__).with_name("selinux_base.cil")
PATHS = st.from_regex(r"/[!-~]{1,20}(/[!-~]{1,8})?", fullmatch=True).filter(
    lambda path: ".." not in path and "//" not in path and "/./" not in path and not path.endswith(("/", "/."))
)


def container(**changes: Any) -> Container:
    return Container.model_validate({"build": {"type": "packages", "packages": ["x"]}, **changes})


def manifest(**changes: Any) -> AppManifest:
    one = container(**changes)
    volumes = {mount.volume: {"data": "files"} for mount in one.mounts}
    containers = {"main-1": one.model_dump(mode="json", exclude_unset=True)}
    return app("bitcoin-knots", volumes=volumes, containers=containers)


def allowed(profile: dict[str, Any], *, always: bool = True) -> set[str]:
    """Return the calls that a profile allows, whatever their arguments or only with some."""
    rules = [rule for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW"]
    return {name for rule in rules for name in rule["names"] if always is not bool(rule["args"])}


def test_what_serves_debuggers_sandboxes_and_administrators_is_left_out() -> None:
    profile = seccomp_profile(container())
    dangerous = {"ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "io_uring_setup", "userfaultfd", "kexec_load"}
    assert not dangerous & (allowed(profile) | allowed(profile, always=False))
    assert {"clone", "socket", "personality"} == allowed(profile, always=False)
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"


def test_a_group_adds_its_calls_and_no_others() -> None:
    least = seccomp_profile(container())
    more = seccomp_profile(container(security={"system_calls": ["debug", "io-uring"]}))
    added = allowed(more) - allowed(least)
    assert {"ptrace", "io_uring_setup"} <= added and not {"mount", "bpf"} & added
    refused = {name for rule in more["syscalls"] if "errnoRet" in rule for name in rule["names"]}
    assert not refused & allowed(more)
    assert "SCMP_ARCH_X86" not in seccomp_json(container()).replace("SCMP_ARCH_X86_64", "")
    assert '"SCMP_ARCH_X86"' in seccomp_json(container(security={"system_calls": ["x86-32"]}))


def test_the_same_needs_have_the_same_file() -> None:
    one = seccomp_json(container(security={"system_calls": ["debug", "io-uring"]}))
    other = seccomp_json(container(security={"system_calls": ["io-uring", "debug"]}, user="1:1"))
    assert seccomp_name(one) == seccomp_name(other) != seccomp_name(seccomp_json(container()))
    assert json.loads(one)


APPS = st.builds(
    lambda paths, capabilities, calls, root: manifest(
        mounts=[{"volume": f"v{number}", "path": path} for number, path in enumerate(paths)],
        security={"capabilities": capabilities, "system_calls": calls, "writable_root": root},
    ),
    st.lists(PATHS, max_size=2, unique=True),
    st.lists(st.sampled_from(list(Capability)), unique=True),
    st.lists(st.sampled_from(list(SystemCalls)), unique=True),
    st.booleans(),
)


COMPILERS = {
    "apparmor_parser": ("--config-file=/dev/null", "--skip-kernel-load", "--skip-cache", "--quiet"),
    "secilc": ("-o", "/dev/null", "-f", "/dev/null"),
}


def compile_with(compiler: str, text: str) -> None:
    path = TOOLS / compiler
    if not path.exists():
        pytest.skip(f"{path} is not there: scripts/test-tools makes it")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([str(path), *COMPILERS[compiler], file.name], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stderr}\n{text}"


@settings(max_examples=examples(15))
@given(APPS)
def test_apparmor_takes_every_profile(app: AppManifest) -> None:
    text = apparmor_profile(app, "main-1")
    assert apparmor_name(app.id, "main-1") in text
    compile_with("apparmor_parser", text)


@settings(max_examples=examples(10))
@given(APPS)
def test_selinux_takes_every_module(app: AppManifest) -> None:
    text = selinux_module(app, "main-1")
    assert selinux_name(app.id, "main-1") == "archipelago_bitcoin_knots__main_1"
    compile_with("secilc", BASE_POLICY.read_text() + text)


def test_the_compilers_refuse_what_is_wrong() -> None:
    compile_with("apparmor_parser", "profile x { }")
    with pytest.raises(AssertionError, match="syntax error"):
        compile_with("apparmor_parser", "profile x { nonsense, }")
    compile_with("secilc", BASE_POLICY.read_text())
    with pytest.raises(AssertionError, match="nothing"):
        compile_with("secilc", BASE_POLICY.read_text() + "(block x (blockinherit nothing))")
