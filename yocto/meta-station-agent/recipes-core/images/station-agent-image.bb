SUMMARY = "A charging station: the agent, supervised, on a read-only root file system"
DESCRIPTION = "Two slots for the root file system, and a partition for the data of the agent and its journal."
SECTION = "images"
LICENSE = "Apache-2.0"

inherit core-image

IMAGE_FEATURES += "read-only-rootfs"

IMAGE_INSTALL = "packagegroup-core-boot packagegroup-station-agent ${CORE_IMAGE_EXTRA_INSTALL}"
IMAGE_LINGUAS = ""
# Only the agent knows whether the station is healthy: a slot is not marked good because it has booted.
BAD_RECOMMENDATIONS += "rauc-mark-good"

IMAGE_FSTYPES = "ext4 wic.gz wic.bmap"
# By its whole path: releases look for it in different folders of a layer.
WKS_FILE ?= "${STATION_AGENT_LAYER}/files/wic/station-agent-ab.wks.in"

# Size of one slot and of the data partition, in MB; a slot has to hold every later release as well.
STATION_AGENT_SLOT_MB ?= "384"
STATION_AGENT_DATA_MB ?= "512"
STATION_AGENT_BOOT_MB ?= "32"
# What puts the boot loader onto the disk: the part line of the board's own wic file.
STATION_AGENT_BOOT_PART ?= "--source bootimg-partition --fstype=vfat --label boot"

IMAGE_ROOTFS_MAXSIZE = "${@int(d.getVar('STATION_AGENT_SLOT_MB')) * 1024}"

# Nobody logs in without a password, no root shell, no debugging: neither here nor by a leftover of local.conf.
python () {
    tweaks = {"debug-tweaks", "empty-root-password", "allow-empty-password", "allow-root-login", "post-install-logging"}
    found = sorted(tweaks & set((d.getVar("IMAGE_FEATURES") or "").split()))
    if found:
        raise bb.parse.SkipRecipe("a charging station has no %s: take it out of IMAGE_FEATURES" % ", ".join(found))
}
