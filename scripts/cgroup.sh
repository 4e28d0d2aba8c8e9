# A cgroup2 file system at /sys/fs/cgroup, and the part of it that belongs to an instance. For a private mount namespace.

# The host may have cgroup v1, the hybrid layout, or none mounted.
mount_cgroup2() {
  [ "$(stat -f -c %t /sys/fs/cgroup 2>/dev/null)" != 63677270 ] || return 0
  umount -R /sys/fs/cgroup 2>/dev/null || umount -l /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 none /sys/fs/cgroup || fail "no cgroup2 file system can be mounted" "the kernel needs CONFIG_CGROUPS and cgroup2"
}

# delegate_slice: makes $slice with every controller that there is; its sub-group `node` is for processes. Where limits can be
# enforced it belongs to the service user, and `delegated` is its name for Podman. Where cgroup v1 holds the controllers it
# stays root's: Podman then does without limits (and doctor says so), while newer releases fail on limits in a group of theirs.
delegate_slice() {
  mkdir -p "$slice/node" || fail "no control group can be made under /sys/fs/cgroup" "it may be mounted read-only, as in a container"
  for controller in memory cpu pids io; do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
    echo "+$controller" >"$slice/cgroup.subtree_control" 2>/dev/null || true
  done
  if grep -qwE 'memory|cpu|pids' "$slice/cgroup.subtree_control"; then
    delegated=/$group
    chown "$SERVICE_USER" "$slice" "$slice/cgroup.procs" "$slice/cgroup.subtree_control" "$slice/cgroup.threads"
    chown -R "$SERVICE_USER" "$slice/node"
    # Only root may set what is above the groups of containers, and a promise of memory counts up to what is promised above it.
    echo max >"$slice/memory.low" 2>/dev/null || true
    echo 512M >"$slice/node/memory.low" 2>/dev/null || true
    # The page answers whatever apps do.
    echo 1000 >"$slice/node/cpu.weight" 2>/dev/null || true
  else
    delegated=
    chown -R root "$slice"
  fi
}

# names_in_slice: the names of the processes that the instance has.
names_in_slice() {
  find "$slice" -name cgroup.procs -exec cat {} + 2>/dev/null | while read -r pid; do
    cat "/proc/$pid/comm" 2>/dev/null || true
  done
}

# kill_slice: ends all that the instance has running, containers too, and waits until it is gone.
# The groups go too: Linux 6.18 kills every process that is cloned from a group that was once killed into one that was not.
kill_slice() {
  [ -d "$slice" ] || return 0
  echo 1 >"$slice/cgroup.kill"
  while grep -qx 'populated 1' "$slice/cgroup.events"; do sleep 0.02; done
  find "$slice" -depth -type d -exec rmdir {} \;
}
