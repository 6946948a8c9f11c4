SUMMARY = "RAUC for a charging station: the two slots, the keyring, and who may ask"
DESCRIPTION = "Configuration of RAUC for the partitions of station-agent-image. Takes the place of rauc-conf."
SECTION = "base"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

# What a bundle has to be made for, and the boot loader that counts the attempts: uboot, barebox, grub, efi or custom.
STATION_AGENT_COMPATIBLE ?= "station-agent-${MACHINE}"
STATION_AGENT_BOOTLOADER ?= "uboot"

# Whose signature is taken is the integrator's decision: a file with X.509 certificates, outside of this layer.
RAUC_KEYRING_FILE ??= "ca.cert.pem"
RAUC_KEYRING_URI ??= "file://${RAUC_KEYRING_FILE}"

SRC_URI = "file://system.conf;subdir=${BP} \
           file://station-agent-rauc.conf;subdir=${BP} \
           ${RAUC_KEYRING_URI};subdir=${BP} \
           "

inherit features_check

REQUIRED_DISTRO_FEATURES = "systemd"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0644 ${S}/system.conf ${D}${sysconfdir}/rauc/system.conf
    sed -i \
        -e "s!@COMPATIBLE@!${STATION_AGENT_COMPATIBLE}!" \
        -e "s!@BOOTLOADER@!${STATION_AGENT_BOOTLOADER}!" \
        -e "s!@KEYRING@!${RAUC_KEYRING_FILE}!" \
        ${D}${sysconfdir}/rauc/system.conf
    install -m 0644 ${S}/${RAUC_KEYRING_FILE} ${D}${sysconfdir}/rauc/
    install -D -m 0644 ${S}/station-agent-rauc.conf ${D}${datadir}/dbus-1/system.d/station-agent-rauc.conf
}

PACKAGE_ARCH = "${MACHINE_ARCH}"

FILES:${PN} += "${datadir}/dbus-1/system.d/station-agent-rauc.conf"

RDEPENDS:${PN} = "dbus station-agent"
RPROVIDES:${PN} = "virtual-rauc-conf"
RCONFLICTS:${PN} = "rauc-conf"

python () {
    if d.getVar("RAUC_KEYRING_FILE") == "ca.cert.pem":  # the example of meta-rauc would take anybody's
        raise bb.parse.SkipRecipe("RAUC_KEYRING_FILE has to name the keyring of the product, RAUC_KEYRING_URI its place")
}
