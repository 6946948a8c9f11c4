SUMMARY = "Everything that a charging station needs beside its board support"
DESCRIPTION = "The agent, its configuration of the system, and what a technician looks with."
SECTION = "base"
LICENSE = "Apache-2.0"

inherit packagegroup features_check

REQUIRED_DISTRO_FEATURES = "systemd"

# With meta-rauc among the layers the station can be updated.
STATION_AGENT_UPDATE = "${@bb.utils.contains('BBFILE_COLLECTIONS', 'rauc', 'python3-dbus-fast rauc rauc-conf-station-agent rauc-service', '', d)}"

RDEPENDS:${PN} = "${STATION_AGENT_UPDATE} \
                  ca-certificates \
                  e2fsprogs-e2fsck \
                  iproute2 \
                  station-agent \
                  station-agent-system \
                  tzdata \
                  "
