"""The agent on the libraries of the oldest release that the layer supports, built as its recipes build it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.hal.test_can_kernel import VERDICT, in_user_mode_linux
from tests.image.footprint import SOURCE
from tests.image.shipped import LAYER, ROOT, tool, value_of
from tests.image.user_mode_linux import needed

OLDEST = "scarthgap"
PYTHON = "3.12"
PINS = (
    "websockets==12.0",
    "python-can==4.2.2",
    "cryptography==42.0.5",
    "pyudev==0.24.1",
    "pyserial==3.5",
    "dbus-fast==2.21.1",
    "cantools==39.4.4",
    "gpiod==2.1.3",
)
"""As openembedded-core and meta-python have them in that release."""

BUILT_WITH = ("setuptools==69.1.1", "setuptools-scm==8.0.4", "wheel==0.42.0", "build==1.0.3")
TESTED_WITH = (
    "pytest",
    "pytest-asyncio",
    "pytest-xdist",
    "hypothesis",
    "ocpp",
    "trustme",
    "pymodbus",
    "pyftpdlib",
    "pyopenssl",
)
PATIENCE_S = 1800

UNIT_TESTS = ("blocks", "edge", "hal", "link", "model", "ocpp", "session", "test_loop.py")

AS_TESTED = ("-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning")

PLAY = "import sys; sys.executable = sys.argv.pop(1); from tests.play import main; sys.exit(main())"
"""The CSMS and the emulated parts are ours, the agent runs on the oldest libraries."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))[:200]}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


class Oldest:
    """A virtual environment with that release's libraries and build tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"

    def pip(self, *arguments: str | Path) -> None:
        run(self.python, "-m", "pip", *arguments[:1], "--quiet", "--disable-pip-version-check", *arguments[1:])

    def build(self, source: Path) -> Path:
        """A wheel, as python_setuptools_build_meta makes it: with the tools that are there, and no others."""
        wheels = self.folder / "wheels"
        run(self.python, "-m", "build", "--no-isolation", "--wheel", "--outdir", wheels, ".", cwd=source)
        return max(wheels.iterdir(), key=lambda path: path.stat().st_mtime_ns)


def interpreter() -> str:
    """That release's Python where this machine has it, else the one that runs this."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python{PYTHON}"))
    for found in (shutil.which(f"python{PYTHON}"), *map(str, pyenv)):
        if found and subprocess.run([found, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            return found
    return sys.executable


@pytest.fixture(scope="module")
def oldest() -> Iterator[Oldest]:
    with TemporaryDirectory(prefix="oldest-") as name:
        made = Oldest(Path(name))
        run(interpreter(), "-m", "venv", made.folder / "venv")
        try:
            made.pip("install", *PINS, *BUILT_WITH)
        except AssertionError as error:
            pytest.skip(f"the libraries of {OLDEST} cannot be installed here: {str(error)[-200:]}")
        yield made


def test_0_all_of_this_runs_on_that_releases_python(oldest: Oldest) -> None:
    version = run(oldest.python, "-c", "import platform; print(platform.python_version())").strip()
    if not version.startswith(PYTHON):
        pytest.skip(f"no Python {PYTHON} on this machine: what follows runs on {version}")


def test_1_the_backport_is_what_its_recipe_says_and_builds_with_that_releases_tools(oldest: Oldest) -> None:
    recipe = next((LAYER / "recipes-backports" / "python3-msgspec").glob("*.bb"))
    version = recipe.stem.partition("_")[2]
    oldest.pip("download", "--no-deps", "--no-binary=msgspec", f"msgspec=={version}", "-d", oldest.folder)
    source = oldest.folder / f"msgspec-{version}"
    packed = source.with_name(f"{source.name}.tar.gz")
    assert value_of(recipe, "SRC_URI[sha256sum]") == hashlib.sha256(packed.read_bytes()).hexdigest()
    with tarfile.open(packed) as archive:
        archive.extractall(oldest.folder, filter="data")
    checksum = hashlib.md5((source / "LICENSE").read_bytes()).hexdigest()
    assert value_of(recipe, "LIC_FILES_CHKSUM") == f"file://LICENSE;md5={checksum}"
    for patch in sorted((recipe.parent / "files").glob("*.patch")):
        run(tool("patch", "patch"), "--strip=1", f"--input={patch}", cwd=source)
    oldest.pip("install", "--no-deps", oldest.build(source))
    assert run(oldest.python, "-c", "import msgspec; print(msgspec.__version__)").strip() == version


def test_2_the_agent_builds_with_that_releases_tools(oldest: Oldest) -> None:
    source = oldest.folder / "station-agent"
    source.mkdir()
    run("cp", "-r", *SOURCE, source)
    oldest.pip("install", "--no-deps", oldest.build(source))
    program = oldest.python.with_name("station-agent")
    assert run(program, "--version", cwd=oldest.folder).startswith("station-agent ")
    oldest.pip("check")


def test_3_the_unit_tests_pass_on_that_releases_libraries(oldest: Oldest) -> None:
    oldest.pip("install", *PINS, *TESTED_WITH)
    plugin = "PYTEST_PLUGINS=tests.image.oldest"  # not -p: the workers would hear of it too late
    every_core = ("-n", "auto", "--dist", "worksteal")
    tests = [f"tests/{name}" for name in UNIT_TESTS]
    print(run("env", plugin, oldest.python, "-m", "pytest", *every_core, *AS_TESTED, *tests)[-300:])


def test_4_SocketCAN_on_that_releases_libraries(oldest: Oldest) -> None:
    needed()
    said = in_user_mode_linux(oldest.folder, oldest.python, "-p", "tests.image.oldest", *AS_TESTED)
    assert f"{VERDICT} 0" in said, said


def test_5_a_charging_session_on_that_releases_libraries(oldest: Oldest) -> None:
    """Serial lines, Modbus and the WebSocket for real."""
    told = run(sys.executable, "-c", PLAY, oldest.python, "--board", "board/demo.toml", "--once")
    assert "3 TransactionEvents sent, 3 answered" in told
