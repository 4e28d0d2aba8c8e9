# Whether the data root is the one that it was (POSIX sh): sourced by scripts/enter behind lib.sh and choose_instance.
#
# Root keeps a random name of each data root, which the data root has too. Where its disk is not mounted, or another one is,
# the two differ, and nothing starts with empty data.

RECORDS=$CONFIG/data-roots

# mark_of_data: what the data root calls itself. The service user could have put anything there: he reads it himself, and gets
# no more than a moment and a line for it.
mark_of_data() { as_service_user timeout 5 head -c 64 "$data/.data-root" 2>/dev/null | tr -dc a-f0-9; }

# know_data_root: makes a data root that was never there, and fails where one that was is not.
know_data_root() {
  record=$RECORDS/node$suffix
  known=$(cat "$record" 2>/dev/null || :)
  mark=$(mark_of_data || :)
  if [ -n "$known" ] && [ "$mark" != "$known" ]; then
    what="is not there"
    if [ -n "$mark" ]; then what="is that of another node"; fi
    fail "the data of this node $what: $data" \
      "mount the disk that it is on, and start again; to give it up and start with what is there: rm $record"
  fi
  if [ ! -d "$data" ]; then install -d -m 0711 -o "$SERVICE_USER" -g "$SERVICE_USER" "$data"; fi
  owner=$(stat -L -c %u "$data")
  [ "$owner" = "$(id -u "$SERVICE_USER")" ] || fail "$data belongs to user id $owner, and not to $SERVICE_USER" \
    "a new disk: chown $SERVICE_USER: $data; a disk of another host: give $SERVICE_USER the ids that it had there (usermod --uid, /etc/subuid, /etc/subgid)"
  [ -z "$known" ] || return 0
  if [ -z "$mark" ]; then
    mark=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    # shellcheck disable=SC2016 # for the inner shell
    as_service_user sh -euc 'umask 077; printf "%s\n" "$1" >"$2/.data-root.new"; mv "$2/.data-root.new" "$2/.data-root"' sh "$mark" "$data" \
      || fail "$data cannot be written to" "look whether its disk is mounted read-only or full"
  fi
  # After the mark: a data root that is killed in between, or came from another host, is known by its own name.
  mkdir -p "$RECORDS"
  printf '%s\n' "$mark" >"$record.new"
  mv "$record.new" "$record"
}
