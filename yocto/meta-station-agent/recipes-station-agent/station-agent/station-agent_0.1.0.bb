SUMMARY = "The station agent: OCPP 2.0.1 for the Linux board inside an EV charging station"
DESCRIPTION = "Drives the hardware of an EV charging station, decides what a plug, a card or a meter reading means for \
               charging, and speaks OCPP to a charging-station management system."
SECTION = "devel/python"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# The board file of the product: /etc/station-agent/board.toml.  The simulated board would charge nobody.
STATION_AGENT_BOARD ?= ""

# The checkout that the layer lies in.
# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext
FILESEXTRAPATHS:prepend := "${STATION_AGENT_SOURCE}:"
SRC_URI = "file://agent;subdir=${BP} \
           file://board;subdir=${BP} \
           file://hal;subdir=${BP} \
           file://LICENSE;subdir=${BP} \
           file://README.md;subdir=${BP} \
           file://pyproject.toml;subdir=${BP} \
           file://setup.cfg;subdir=${BP} \
           file://station-agent.service;subdir=${BP} \
           "

inherit python_setuptools_build_meta systemd useradd features_check

REQUIRED_DISTRO_FEATURES = "systemd"

do_install:append() {
    install -D -m 0644 ${S}/station-agent.service ${D}${systemd_system_unitdir}/station-agent.service
    install -d ${D}${sysconfdir}/station-agent
    if [ -n "${STATION_AGENT_BOARD}" ]; then
        install -m 0644 "${STATION_AGENT_BOARD}" ${D}${sysconfdir}/station-agent/board.toml
    else
        bbwarn "STATION_AGENT_BOARD names no board file: the agent will not start without ${sysconfdir}/station-agent/board.toml"
    fi
}

do_install[file-checksums] += "${@'%s:True' % d.getVar('STATION_AGENT_BOARD') if d.getVar('STATION_AGENT_BOARD') else ''}"

USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --user-group --groups dialout --no-create-home --shell /sbin/nologin \
                       --home-dir ${localstatedir}/lib/station-agent station-agent"

SYSTEMD_SERVICE:${PN} = "station-agent.service"

CONFFILES:${PN} = "${@'${sysconfdir}/station-agent/board.toml' if d.getVar('STATION_AGENT_BOARD') else ''}"

# What setup.cfg asks for, and what the agent imports of the standard library.
RDEPENDS:${PN} = "python3-asyncio \
                  python3-compression \
                  python3-core \
                  python3-crypt \
                  python3-cryptography \
                  python3-datetime \
                  python3-difflib \
                  python3-fcntl \
                  python3-html \
                  python3-io \
                  python3-json \
                  python3-logging \
                  python3-math \
                  python3-msgspec \
                  python3-netclient \
                  python3-pyserial \
                  python3-pyudev \
                  python3-shell \
                  python3-sqlite3 \
                  python3-threading \
                  python3-tomllib \
                  python3-websockets \
                  "
# What only some boards need (the extras of setup.cfg); an image may leave it out.
RRECOMMENDS:${PN} = "python3-can \
                     python3-cantools \
                     python3-gpiod \
                     "
