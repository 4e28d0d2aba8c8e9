#!/bin/sh
# host_firewall_scene.sh RULES PYTHON TRIES, in a network namespace of its own where it is root: a host with listeners, and
# another machine (one more namespace) that makes TRIES at it, a list of (address, port, source address, count), before
# and after RULES are loaded. Prints twice, as a list, how many connections were opened before the first that was not.
set -eu
ip link set lo up
"$2" -I -c '
import socket, time
held = [socket.create_server(("0.0.0.0", port), backlog=4000) for port in (22, 8480, 9000)]
while True:  # until nobody reads
    print("ready", flush=True)
    time.sleep(0.1)' 2>/dev/null | { read -r _
unshare --net sleep 1000 & other=$!
trap 'kill $other' EXIT
until [ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add host type veth peer name other netns "$other"
ip link set host up
ip addr add 192.168.7.1/24 dev host
ip addr add 203.0.113.1/24 dev host
from_there() { nsenter --net="/proc/$other/ns/net" "$@"; }
from_there ip link set other up
from_there ip addr add 192.168.7.2/24 dev other
from_there ip addr add 203.0.113.2/24 dev other
try='
import ast, socket, sys
opened = []
for address, port, source, count in ast.literal_eval(sys.argv[1]):
    opened.append(0)
    for _ in range(count):
        with socket.socket() as probe:
            probe.settimeout(0.9)
            try:
                probe.bind((source, 0))
                probe.connect((address, port))
                opened[-1] += 1
            except OSError:
                break
print(opened)'
from_there "$2" -I -c "$try" "$3"
nft -f "$1"
from_there "$2" -I -c "$try" "$3"
}
