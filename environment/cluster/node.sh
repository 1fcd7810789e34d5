#!/bin/sh
# Process 1 of a cluster's node: makes a mount namespace in which nothing that is written outlives the node, then waits.
# Started by lib/deploy/cluster/node.ts below `unshare --mount --net --pid --fork --kill-child --mount-proc`.
#
# Usage: node.sh CACHE NODE   (the folder .workbench/cluster; the node's name)
set -e
cache=$1
state=/run/cluster/state/$2

# Kubelet and containers share mounts.
mount --make-rshared /
# Sockets, locks and network namespaces of the node; the cache and its state on disk below it.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/cluster /run/lock
mount --bind "$cache" /run/cluster
# Logs and allocated addresses.
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /var/log
# The programs from Debian's packages, as if they were installed.
mount -t overlay -o lowerdir=/run/cluster/debian/usr:/usr overlay /usr
# Settings of the whole machine stay as they are. A kubelet would change these, so it is shown what it wants to see.
for settings in kernel vm; do
  mount --bind /proc/sys/$settings /proc/sys/$settings
  mount -o remount,bind,ro /proc/sys/$settings
done
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  shown=/run/shown/${setting%=*}
  mkdir -p "${shown%/*}"
  echo "${setting#*=}" > "$shown"
  mount --bind "$shown" "/proc/sys/${setting%=*}"
done

ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward

touch "$state/ready"
exec /run/cluster/pause/pause
