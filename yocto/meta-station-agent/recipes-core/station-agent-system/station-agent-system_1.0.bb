SUMMARY = "The system around the station agent: CAN, journal, watchdog, data partition"
DESCRIPTION = "Configuration of systemd for a charging station: the bit rate of the CAN buses, what the journal may \
               take of the flash, the hardware watchdog, and the data partition under a read-only root file system."
SECTION = "base"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

# Bits per second of every CAN bus of the board; a network file of the product that sorts before 70 wins.
STATION_AGENT_CAN_BITRATE ?= "500000"
# How long the board may hang before its own watchdog starts it anew; the boot loader has to start it.
STATION_AGENT_WATCHDOG ?= "30s"

SRC_URI = "file://60-station-agent.rules;subdir=${BP} \
           file://70-can.network;subdir=${BP} \
           file://data.conf;subdir=${BP} \
           file://data.mount;subdir=${BP} \
           file://journald.conf;subdir=${BP} \
           file://station-agent.sh;subdir=${BP} \
           file://station-machine-id.service;subdir=${BP} \
           file://tmpfiles.conf;subdir=${BP} \
           file://var-log.mount;subdir=${BP} \
           file://watchdog.conf;subdir=${BP} \
           "

inherit allarch systemd features_check

REQUIRED_DISTRO_FEATURES = "systemd"

do_install() {
    install -D -m 0644 ${S}/70-can.network ${D}${systemd_unitdir}/network/70-can.network
    sed -i -e "s!@BITRATE@!${STATION_AGENT_CAN_BITRATE}!" ${D}${systemd_unitdir}/network/70-can.network
    install -D -m 0644 ${S}/60-station-agent.rules ${D}${nonarch_base_libdir}/udev/rules.d/60-station-agent.rules
    install -D -m 0644 ${S}/journald.conf ${D}${systemd_unitdir}/journald.conf.d/60-station-agent.conf
    install -D -m 0644 ${S}/watchdog.conf ${D}${systemd_unitdir}/system.conf.d/60-station-agent.conf
    sed -i -e "s!@WATCHDOG@!${STATION_AGENT_WATCHDOG}!" ${D}${systemd_unitdir}/system.conf.d/60-station-agent.conf
    install -D -m 0644 ${S}/data.conf ${D}${systemd_system_unitdir}/station-agent.service.d/60-data.conf
    install -m 0644 ${S}/data.mount ${S}/var-log.mount ${S}/station-machine-id.service ${D}${systemd_system_unitdir}/
    install -D -m 0644 ${S}/tmpfiles.conf ${D}${nonarch_libdir}/tmpfiles.d/station-agent.conf
    install -D -m 0644 ${S}/station-agent.sh ${D}${sysconfdir}/profile.d/station-agent.sh
    install -d ${D}/data
}

SYSTEMD_SERVICE:${PN} = "data.mount station-machine-id.service var-log.mount"

FILES:${PN} += "/data \
                ${nonarch_base_libdir}/udev/rules.d \
                ${nonarch_libdir}/tmpfiles.d \
                ${systemd_system_unitdir} \
                ${systemd_unitdir}/network \
                ${systemd_unitdir}/journald.conf.d \
                ${systemd_unitdir}/system.conf.d \
                "
