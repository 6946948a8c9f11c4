"""The Yocto layer: linted, of one mind with the package that it builds, and without a key or a back door in it."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from itertools import product
from pathlib import Path

import pytest

from agent.version import VERSION
from tests.image.footprint import SOURCE
from tests.image.shipped import LAYER, RECIPE_FOLDER, ROOT, SYSTEM, SYSTEM_CONF, UNIT, settings, value_of

KAS = ROOT / "yocto" / "kas"
RECIPES = sorted([*LAYER.rglob("*.bb"), *LAYER.rglob("*.bbappend"), LAYER / "conf" / "layer.conf"])
AGENT_RECIPE = RECIPE_FOLDER / f"station-agent_{VERSION}.bb"
IMAGE = LAYER / "recipes-core" / "images" / "station-agent-image.bb"
DISK = LAYER / "files" / "wic" / "station-agent-ab.wks.in"
RELEASES = ("scarthgap", "wrynose")

LEFT_OUT = {
    "oelint.vars.homepageping": "goes to the network",
    "oelint.var.mandatoryvar.HOMEPAGE": "the project has no page of its own",
    "oelint.var.mandatoryvar.SRC_URI": "a bundle is made of an image",
    "oelint.var.suggestedvar.BUGTRACKER": "idem",
    "oelint.var.suggestedvar.CVE_PRODUCT": "no entries in the CVE database",
    "oelint.var.bbclassextend": "nothing here is needed on the build machine",
    "oelint.var.licenseremotefile": "the licence of the configuration is the common one",
    "oelint.file.underscores": "images and bundles have the version of the distribution",
    "oelint.vars.mispell": "IMAGE_ROOTFS_MAXSIZE",
    "oelint.vars.mispell.unknown": "variables of RAUC's classes, and our own",
    "oelint.vars.layerconf": "our own",
    "oelint.task.noanonpython": "a mistake of the integrator is told while the recipes are read",
}
"""Rules of the linter that do not hold here, and why."""

RECIPE_OF = {
    "cryptography": "python3-cryptography",
    "cantools": "python3-cantools",
    "dbus-fast": "python3-dbus-fast",
    "gpiod": "python3-gpiod",
    "msgspec": "python3-msgspec",
    "pyserial": "python3-pyserial",
    "python-can": "python3-can",
    "pyudev": "python3-pyudev",
    "websockets": "python3-websockets",
}

IN_CORE = """
    __future__ argparse binascii bisect builtins collections contextlib contextvars copy enum errno functools gc
    heapq importlib inspect itertools operator os pathlib platform re select selectors shutil signal stat struct
    subprocess sys textwrap time traceback types typing unicodedata weakref readline
"""

PACKAGE_OF = {
    "asyncio": "asyncio",
    "base64": "netclient",
    "ctypes": "ctypes",
    "datetime": "datetime",
    "difflib": "difflib",
    "fcntl": "fcntl",
    "ftplib": "netclient",
    "getpass": "unixadmin",
    "gzip": "compression",
    "hashlib": "crypt",
    "hmac": "netclient",
    "html": "html",
    "http": "netclient",
    "io": "core",
    "json": "json",
    "logging": "logging",
    "math": "core",
    "queue": "threading",
    "random": "math",
    "secrets": "netclient",
    "shlex": "shell",
    "socket": "io",
    "sqlite3": "sqlite3",
    "ssl": "io",
    "string": "stringold",
    "tarfile": "compression",
    "tempfile": "io",
    "termios": "io",
    "threading": "threading",
    "tomllib": "tomllib",
    "tty": "terminal",
    "urllib": "netclient",
    "uuid": "netclient",
    "zlib": "core",
}
"""Which package of python3 a module is in.  Source: openembedded-core, python3-manifest.json."""


def packages_of(text: str) -> set[str]:
    return {word for word in text.split() if word != "+="}


@pytest.mark.parametrize("release", RELEASES)
def test_the_linter_finds_nothing_in_the_recipes(release: str) -> None:
    left_out = [part for rule in LEFT_OUT for part in ("--suppress", rule)]
    command = [str(Path(sys.executable).parent / "oelint-adv"), "--quiet", "--jobs=1", f"--release={release}"]
    done = subprocess.run([*command, *left_out, *map(str, RECIPES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_recipe_has_the_version_of_the_agent() -> None:
    assert [path.name for path in RECIPE_FOLDER.glob("*.bb")] == [AGENT_RECIPE.name]


def recipes_of(requirements: str) -> set[str]:
    return {RECIPE_OF[re.split(r"[><=]", line)[0]] for line in requirements.split()}


def test_the_recipe_asks_for_what_the_package_asks_for() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    asked = packages_of(value_of(AGENT_RECIPE, "RDEPENDS:${PN}")) & set(RECIPE_OF.values())
    assert asked == recipes_of(setup["options"]["install_requires"])
    extras = setup["options.extras_require"]
    recommended = packages_of(value_of(AGENT_RECIPE, "RRECOMMENDS:${PN}"))
    assert recommended == recipes_of(extras["can"]) | recipes_of(extras["gpio"])
    group = LAYER / "recipes-core" / "packagegroups" / "packagegroup-station-agent.bb"
    assert all(name in value_of(group, "STATION_AGENT_UPDATE") for name in recipes_of(extras["update"]))


def imported() -> Iterator[str]:
    for folder in ("agent", "board", "hal"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module.partition(".")[0]


def test_the_recipe_asks_for_every_part_of_the_standard_library_that_is_imported() -> None:
    ours = {name for name in imported() if name in sys.stdlib_module_names and name not in IN_CORE.split()}
    wanted = {f"python3-{PACKAGE_OF[name]}" for name in ours}
    assert wanted - packages_of(value_of(AGENT_RECIPE, "RDEPENDS:${PN}")) == set()


def test_the_recipe_copies_every_package_and_file_that_the_build_needs() -> None:
    copied = set(re.findall(r"file://([^;\s]+)", value_of(AGENT_RECIPE, "SRC_URI")))
    assert set(SOURCE) <= copied
    assert all((ROOT / name).exists() or (RECIPE_FOLDER / "files" / name).exists() for name in copied)


@pytest.mark.parametrize(
    "recipe", [path for path in RECIPES if "SRC_URI" in path.read_text()], ids=lambda path: path.name
)
def test_every_file_of_a_recipe_is_there(recipe: Path) -> None:
    named = re.findall(r"file://([\w.-]+)", value_of(recipe, "SRC_URI"))
    folders = (recipe.parent / "files", ROOT)
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_the_licence_is_the_one_whose_checksum_the_recipe_knows() -> None:
    text = (ROOT / "LICENSE").read_bytes()
    checksum = hashlib.md5(text).hexdigest()
    assert value_of(AGENT_RECIPE, "LIC_FILES_CHKSUM") == f"file://LICENSE;md5={checksum}"
    assert (LAYER / "LICENSE").read_bytes() == text


def test_the_package_is_installed_under_the_user_that_the_unit_names() -> None:
    parameters = value_of(AGENT_RECIPE, "USERADD_PARAM:${PN}").split()
    unit = settings(UNIT)
    assert parameters[-1] == unit["Service.User"][0] == unit["Service.Group"][0]
    assert parameters[parameters.index("--groups") + 1].split(",") == unit["Service.SupplementaryGroups"]


def test_the_layer_names_the_releases_that_kas_can_build() -> None:
    names = value_of(LAYER / "conf" / "layer.conf", "LAYERSERIES_COMPAT_station-agent").split()
    assert names == list(RELEASES)
    assert all((KAS / f"{name}.yml").exists() for name in names)


COMBINED = [("base", release, *more) for release, more in product(RELEASES, ((), ("qemux86-64",)))]


@pytest.mark.parametrize("names", [*COMBINED, ("base", "scarthgap", "rauc", "qemux86-64")], ids=":".join)
def test_kas_understands_what_goes_together(names: tuple[str, ...], folder: Path) -> None:
    """As far as it goes without the network: read, checked, put together."""
    steps = ("repo_setup_loop", "finish_setup_repos", "repos_checkout", "repos_apply_patches")
    skipped = [part for step in steps for part in ("--skip", step)]
    files = ":".join(str(KAS / f"{name}.yml") for name in names)
    done = subprocess.run(
        [sys.executable, "-m", "kas", "dump", *skipped, files],
        capture_output=True,
        text=True,
        check=False,
        env={"KAS_WORK_DIR": str(folder), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert "station-agent-image" in done.stdout
    commits = re.findall(r"commit: (\w+)", done.stdout)
    assert len(commits) == done.stdout.count("url: ") >= 3
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in commits)


def test_no_secret_lies_in_the_layer() -> None:
    for path in (ROOT / "yocto").rglob("*"):
        assert path.suffix not in (".pem", ".key", ".crt", ".p12"), path
        assert path.is_dir() or b"PRIVATE KEY" not in path.read_bytes(), path


def test_the_image_is_read_only_and_has_no_debug_tweaks() -> None:
    assert value_of(IMAGE, "IMAGE_FEATURES") == "read-only-rootfs"
    text = (KAS / "base.yml").read_text()
    assert 'EXTRA_IMAGE_FEATURES = ""' in text


def test_the_disk_is_found_by_every_release() -> None:
    """wrynose wants it in files/wic, scarthgap looks into wic only: the image names its whole path."""
    assert value_of(IMAGE, "WKS_FILE") == "${STATION_AGENT_LAYER}/" + str(DISK.relative_to(LAYER))
    assert DISK.parent == LAYER / "files" / "wic"


def test_the_data_partition_is_formatted_and_the_second_slot_left_to_the_first_update() -> None:
    """wic leaves a partition alone whose source is `empty`, and formats one that has no source at all."""
    parts = {line.split("--part-name ")[1].split()[0]: line for line in partitions()}
    assert list(parts) == ["boot", "rootA", "rootB", "data"]
    assert "--source" not in parts["data"]
    assert "--fstype=ext4" in parts["data"]
    assert "--source empty" in parts["rootB"]


def test_both_slots_have_the_same_fstab() -> None:
    """What wic wrote into one would not be in a bundle, and names devices as no board has them."""
    mounted = [line for line in partitions() if line.startswith("part /")]
    assert len(mounted) == 2
    assert all("--no-fstab-update" in line for line in mounted)


def partitions() -> list[str]:
    return [line for line in DISK.read_text().splitlines() if line.startswith("part ")]


def test_rauc_looks_for_the_slots_that_the_image_makes() -> None:
    disk = DISK.read_text()
    made = set(re.findall(r"--part-name (\w+)", disk))
    wanted = set(re.findall(r"by-partlabel/(\w+)", SYSTEM_CONF.read_text() + (SYSTEM / "data.mount").read_text()))
    assert wanted == {"rootA", "rootB", "data"}
    assert wanted < made


def test_rauc_writes_only_where_the_image_can_be_written_to() -> None:
    folders = re.findall(r"^(?:data-directory|mountprefix)=(/\w+)/", SYSTEM_CONF.read_text(), re.MULTILINE)
    assert sorted(folders) == ["/data", "/run"]
