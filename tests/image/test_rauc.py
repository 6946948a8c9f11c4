"""Signed updates through RAUC's real D-Bus service, on two slots that are loop devices."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.edge import updater
from agent.edge.rauc import Rauc, UpdateFailed
from agent.edge.updater import Condition, Trial, begin_trial, give_up, install, keep, prove, read_trial, take_up
from tests.image.shipped import SYSTEM_CONF, tool

COMPATIBLE = "station-agent-test"
SLOT_BYTES = 4 << 20
PATIENCE_S = 20.0

BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>
"""

BOOT_LOADER = """\
#!/bin/sh
# What RAUC asks a boot loader: the primary slot and the state of each, kept in files.
cd {folder}
case $1 in
    get-primary) cat primary ;;
    set-primary) echo "$2" >primary ;;
    get-state) cat "state.$2" ;;
    set-state) echo "$3" >"state.$2"
        if [ "$3" = bad ] && [ "$(cat primary)" = "$2" ]; then
            for other in A B; do [ "$other" = "$2" ] || echo "$other" >primary; done
        fi ;;
    *) exit 1 ;;
esac
"""

SYSTEM = """\
[system]
compatible={compatible}
bootloader=custom
statusfile={folder}/status
mountprefix={folder}/mnt

[handlers]
bootloader-custom-backend={folder}/boot-loader

[keyring]
path={folder}/ca.pem
check-purpose=codesign

[slot.rootfs.0]
device={a}
type=raw
bootname=A

[slot.rootfs.1]
device={b}
type=raw
bootname=B
"""


class Signer:
    """A certification authority and a key that signs bundles."""

    def __init__(self, folder: Path, name: str) -> None:
        self.authority, self.certificate, self.key = (folder / f"{name}-{part}.pem" for part in ("ca", "cert", "key"))
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = _certificate(f"{name} root", root_key, f"{name} root", root_key, authority=True)
        leaf = _certificate(name, key, f"{name} root", root_key, authority=False)
        self.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        self.key.write_bytes(key.private_bytes(*form))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signed_by: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
    )
    if not authority:
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(signed_by, hashes.SHA256())


class Machine:
    """Two slots, a boot loader, a bus, and RAUC on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.devices: list[str] = []
        self.signer = Signer(folder, "maker")
        shutil.copy(self.signer.authority, folder / "ca.pem")

    def start(self) -> None:
        for name in ("A", "B"):
            image = self.folder / f"slot-{name}"
            image.write_bytes(bytes(SLOT_BYTES))
            self.devices.append(_run(tool("losetup", "util-linux"), "--find", "--show", str(image)).strip())
            (self.folder / f"state.{name}").write_text("good\n")
        (self.folder / "primary").write_text("A\n")
        (self.folder / "mnt").mkdir()
        loader = self.folder / "boot-loader"
        loader.write_text(BOOT_LOADER.format(folder=self.folder))
        loader.chmod(0o755)
        (self.folder / "bus.conf").write_text(BUS.format(path=self.folder / "bus"))
        a, b = self.devices
        text = SYSTEM.format(compatible=COMPATIBLE, folder=self.folder, a=a, b=b)
        (self.folder / "system.conf").write_text(text)
        self._spawn(tool("dbus-daemon", "dbus"), f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile")
        self._until((self.folder / "bus").is_socket)
        self._spawn(tool("rauc", "rauc"), f"--conf={self.folder}/system.conf", "service", "--override-boot-slot=A")

    def bundle(self, name: str, content: bytes, *, compatible: str = COMPATIBLE, signer: Signer | None = None) -> Path:
        by = signer or self.signer
        inside, packed = self.folder / f"{name}.d", self.folder / f"{name}.raucb"
        inside.mkdir()
        (inside / "rootfs.img").write_bytes(content)
        manifest = f"[update]\ncompatible={compatible}\nversion=2.0.0\n\n[bundle]\nformat=plain\n\n"
        (inside / "manifest.raucm").write_text(manifest + "[image.rootfs]\nfilename=rootfs.img\n")
        _run(tool("rauc", "rauc"), f"--cert={by.certificate}", f"--key={by.key}", "bundle", str(inside), str(packed))
        return packed

    def slot(self, name: str) -> bytes:
        return (self.folder / f"slot-{name}").read_bytes()

    def primary(self) -> str:
        return (self.folder / "primary").read_text().strip()

    def _spawn(self, *command: str) -> None:
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus"}
        with (self.folder / "log").open("ab") as log:
            self.processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def _until(self, true: object) -> None:
        end = time.monotonic() + PATIENCE_S
        while not true():  # type: ignore[operator]
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.01)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(PATIENCE_S)
        for device in self.devices:
            _run(tool("losetup", "util-linux"), "--detach", device)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    for name, of in (("rauc", "rauc"), ("dbus-daemon", "dbus"), ("mksquashfs", "squashfs-tools")):
        tool(name, of)
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("slots on loop devices need root and a kernel with them")
    with TemporaryDirectory(prefix="slots-") as name:
        made = Machine(Path(name))
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture
async def rauc(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Rauc:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={machine.folder}/bus")
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await Rauc.connected()
        except UpdateFailed:
            assert time.monotonic() < end, (machine.folder / "log").read_text()
            await asyncio.sleep(0.02)


async def test_a_good_bundle_is_written_to_the_other_slot_which_is_booted_next(machine: Machine, rauc: Rauc) -> None:
    content = os.urandom(1 << 20)
    told: list[int] = []
    async with rauc:
        found = await install(rauc, machine.bundle("good", content), lambda percent, text: told.append(percent))
        assert (found.compatible, found.version) == (COMPATIBLE, "2.0.0")
        assert machine.slot("B")[: len(content)] == content
        assert machine.slot("A") == bytes(SLOT_BYTES)
        assert machine.primary() == "B"
        assert await rauc.primary() == "rootfs.1"
    assert told == sorted(told)
    assert told[-1] == 100


async def test_a_bundle_that_somebody_else_signed_is_refused(machine: Machine, rauc: Rauc) -> None:
    before = machine.slot("B")
    bundle = machine.bundle("foreign", b"bad" * 1000, signer=Signer(machine.folder, "stranger"))
    async with rauc:
        with pytest.raises(UpdateFailed, match=r"trusts|unable to get local issuer certificate"):
            await install(rauc, bundle, lambda percent, text: None)
        with pytest.raises(UpdateFailed, match="unable to get local issuer certificate"):
            await rauc.install(bundle)
    assert machine.slot("B") == before


async def test_a_bundle_with_one_flipped_byte_is_refused(machine: Machine, rauc: Rauc) -> None:
    before = machine.slot("B")
    bundle = machine.bundle("flipped", os.urandom(1 << 16))
    raw = bytearray(bundle.read_bytes())
    raw[5000] ^= 1
    bundle.write_bytes(raw)
    async with rauc:
        with pytest.raises(UpdateFailed, match=r"trusts|verification failure"):
            await install(rauc, bundle, lambda percent, text: None)
        with pytest.raises(UpdateFailed, match="verification failure"):
            await rauc.install(bundle)
    assert machine.slot("B") == before


async def test_a_bundle_for_another_station_is_refused_before_rauc_is_asked(machine: Machine, rauc: Rauc) -> None:
    bundle = machine.bundle("other", b"x" * 4096, compatible="coffee-machine")
    async with rauc:
        with pytest.raises(UpdateFailed, match="for 'coffee-machine', this station is 'station-agent-test'"):
            await install(rauc, bundle, lambda percent, text: None)
        with pytest.raises(UpdateFailed, match="ompatible"):
            await rauc.install(bundle)


async def test_a_file_that_is_no_bundle_is_refused_in_one_line(machine: Machine, rauc: Rauc) -> None:
    nothing = machine.folder / "nothing.raucb"
    nothing.write_bytes(b"hello")
    async with rauc:
        with pytest.raises(UpdateFailed) as caught:
            await install(rauc, nothing, lambda percent, text: None)
    assert "\n" not in str(caught.value)


async def test_a_slot_that_is_given_up_is_not_booted_again(machine: Machine, rauc: Rauc) -> None:
    async with rauc:
        await rauc.mark("active", "other")
        assert machine.primary() == "B"
        await rauc.mark("bad", "other")
        assert machine.primary() == "A"
        assert {slot.bootname: slot.good for slot in await rauc.slots()} == {"A": True, "B": False}
        await give_up(rauc)
        assert machine.primary() == "B"
        await rauc.mark("good", "other")


async def test_a_trial_knows_where_it_came_from_and_ends_when_it_is_healthy(machine: Machine, rauc: Rauc) -> None:
    data = machine.folder / "data"
    data.mkdir()
    (data / "provision.json").write_text("{}")
    async with rauc:
        trial = await begin_trial(rauc, data, 7, "2.0.0", "first")
        assert (trial.before, trial.after) == ("A", "B")
        assert take_up(data, slot="B", boot="second") == ("on trial", trial)
        await keep(rauc, data)
        kept = read_trial(data)
        assert kept is not None
        assert take_up(data, slot="B", boot="second") == ("installed", kept)


async def test_a_release_that_works_is_marked_good_and_one_on_trial_that_does_not_is_given_up(
    machine: Machine, rauc: Rauc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updater, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(updater, "PATIENCE_S", 0.05)
    async with rauc:
        await rauc.mark("active", "booted")
        broken = Condition(able=True, accepted=True, silent=("EVSE 1: evse[0].meter",))
        await prove(folder, "A", lambda: broken)  # not on trial: a part that broke is no fault of the release
        assert machine.primary() == "A"
        (folder / "update.json").write_bytes(msgspec.json.encode(Trial(7, "2.0.0", "B", "A", "first")))
        await prove(folder, "A", lambda: broken)
        assert machine.primary() == "B"
        assert not next(slot for slot in await rauc.slots() if slot.booted).good
        await prove(folder, "A", lambda: Condition(able=True, accepted=True))
        assert next(slot for slot in await rauc.slots() if slot.booted).good
    trial = read_trial(folder)
    assert trial is not None
    assert trial.good


@pytest.mark.parametrize(
    ("added", "told"), [("", "connection to the system bus"), ("bootnime=A", "invalid key 'bootnime'")]
)
def test_rauc_understands_the_configuration_that_the_image_has(folder: Path, added: str, told: str) -> None:
    """It gets as far as the bus, which is not there; a mistake ends it before."""
    words = {"@COMPATIBLE@": "station", "@BOOTLOADER@": "uboot", "@KEYRING@": "ca.pem", "/data/rauc": f"{folder}/rauc"}
    text = SYSTEM_CONF.read_text()
    for word, value in words.items():
        assert word in text
        text = text.replace(word, value)
    (folder / "system.conf").write_text(text + added)
    command = (tool("rauc", "rauc"), f"--conf={folder}/system.conf", "service", "--override-boot-slot=A")
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/none"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert told in (done.stdout + done.stderr).lower()


async def test_where_there_is_no_bus_it_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={folder}/none")
    with pytest.raises(UpdateFailed, match="no system bus"):
        await Rauc.connected()
