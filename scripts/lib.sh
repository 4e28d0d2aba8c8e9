# Shared by the set-up scripts (POSIX sh): what is said, and how root is had.

say() { printf '%s\n' "$*"; }
fail() { printf 'archipelago: %s\n' "$1" >&2; [ $# -lt 2 ] || printf '  %s\n' "$2" >&2; exit 1; }

CHECKOUT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
SERVICE_USER=archipelago
PREFIX=/opt/archipelago
VENV=$PREFIX/venv
CONFIG=/etc/archipelago

# as_root SCRIPT ARGS…: goes on as root, through sudo where the caller is somebody else.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then return 0; fi
  command -v sudo >/dev/null 2>&1 || fail "this needs root, and there is no sudo" "run it as root, or install sudo"
  kept=ARCHIPELAGO_PORT,ARCHIPELAGO_DEBIAN_MIRROR,CI,SSL_CERT_FILE,SSL_CERT_DIR,PIP_CERT,REQUESTS_CA_BUNDLE,CURL_CA_BUNDLE
  exec sudo --preserve-env="$kept" "$0" "$@"
}
