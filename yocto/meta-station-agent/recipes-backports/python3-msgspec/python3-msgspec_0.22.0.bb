SUMMARY = "Serialization and validation of typed messages: JSON at C speed"
DESCRIPTION = "Fast serialization and validation library with support for JSON, MessagePack, YAML and TOML. \
               No release that this layer supports has a recipe for it."
HOMEPAGE = "https://github.com/msgspec/msgspec"
BUGTRACKER = "https://github.com/msgspec/msgspec/issues"
SECTION = "devel/python"
LICENSE = "BSD-3-Clause"
LIC_FILES_CHKSUM = "file://LICENSE;md5=c21402f8022478021f697044388b97c4"

DEPENDS = "python3-setuptools-scm-native"

SRC_URI += "file://0001-Build-with-setuptools-69.patch"
SRC_URI[sha256sum] = "0a13624a4969159fe35d8c2a3d377b2b61bbd8585e327440d5e52725affcce38"

inherit pypi python_setuptools_build_meta

PYPI_PACKAGE = "msgspec"

export SETUPTOOLS_SCM_PRETEND_VERSION = "${PV}"

RDEPENDS:${PN} += "python3-core python3-datetime python3-json python3-netclient python3-numbers"
