#!/bin/sh
# Installs what the steps of `make image-test` want of Debian, for a machine that tests.  Where that cannot be done the
# steps are skipped, and each says what it missed.
set -eu
wanted="dbus e2fsprogs iproute2 kmod patch rauc squashfs-tools systemd user-mode-linux"
missing=
for name in $wanted; do
    dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing="$missing $name"
done
[ -n "$missing" ] || exit 0
echo "installing for make image-test:$missing"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
