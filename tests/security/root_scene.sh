#!/bin/sh
# root_scene.sh SCENE COMMAND…: runs a command as root of a scratch host: a user namespace whose root is the caller, with the
# folders of SCENE at the places that the set-up scripts expect.
set -eu
if [ "${1:-}" != --inside ]; then
  exec unshare --user --map-root-user --map-auto --mount --propagation private -- sh "$0" --inside "$@"
fi
shift
mount --bind "$1" /mnt
shift
mount --rbind /opt/archipelago/node /mnt/prefix/node
[ ! -d /mnt/prefix/uv ] || mount --rbind /opt/archipelago/uv /mnt/prefix/uv
mount --rbind /mnt/prefix /opt/archipelago
mount --bind /mnt/passwd /etc/passwd
mount --bind /mnt/group /etc/group
mount -t tmpfs none /run
mount -t tmpfs none /var/lib
mkdir /run/archipelago /var/lib/archipelago
mount --bind /mnt/runtime /run/archipelago
mount --bind /mnt/data /var/lib/archipelago
# What the node owns is the service user's, as on a real host.
chown -R archipelago: /run/archipelago /var/lib/archipelago
chmod 0711 /run/archipelago /var/lib/archipelago
cd /
exec env -i "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
