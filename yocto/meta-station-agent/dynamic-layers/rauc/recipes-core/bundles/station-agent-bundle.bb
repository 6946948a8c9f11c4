SUMMARY = "Update bundle of a charging station"
DESCRIPTION = "The root file system of station-agent-image, signed, for RAUC."
SECTION = "images"
LICENSE = "Apache-2.0"

inherit bundle

STATION_AGENT_COMPATIBLE ?= "station-agent-${MACHINE}"

RAUC_BUNDLE_COMPATIBLE = "${STATION_AGENT_COMPATIBLE}"
RAUC_BUNDLE_VERSION ?= "${DISTRO_VERSION}"
RAUC_BUNDLE_FORMAT = "verity"
RAUC_BUNDLE_SLOTS = "rootfs"
RAUC_SLOT_rootfs = "station-agent-image"
RAUC_SLOT_rootfs[fstype] = "ext4"
RAUC_SLOT_rootfs[adaptive] = "block-hash-index"

# The key never lies in a layer: a file outside of it, or a PKCS#11 URI.
python () {
    for name in ("RAUC_KEY_FILE", "RAUC_CERT_FILE", "RAUC_KEYRING_FILE"):
        if not d.getVar(name):
            raise bb.parse.SkipRecipe("%s is not set: nothing to sign the bundle with" % name)
}
