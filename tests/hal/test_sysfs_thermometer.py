"""The thermometer that the kernel reads, on a folder that looks like /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from hal.drivers.sysfs_thermometer import SysfsThermometer, read_celsius
from hal.errors import BadOptions, NoAnswer
from hal.events import DeviceFound, DeviceLost, TemperatureMeasured
from hal.ports import Place
from hal.registry import make_bus, make_driver
from tests.hal.rig import Heard, running

PLACE = Place("evse[0].thermometer[0]", 1, spot="inlet")


@pytest.mark.parametrize(
    ("text", "celsius"), [("23125\n", 23.125), ("-5000", -5.0), ("0", 0.0), (" 85000 \n", 85.0)], ids=repr
)
def test_millidegrees_of_hwmon_and_of_1_wire(tmp_path: Path, text: str, celsius: float) -> None:
    path = tmp_path / "temp1_input"
    path.write_text(text)
    assert read_celsius(str(path)) == celsius


def test_an_iio_channel_is_raw_plus_offset_times_scale(tmp_path: Path) -> None:
    (tmp_path / "in_temp_raw").write_text("1500")
    (tmp_path / "in_temp_offset").write_text("-500")
    (tmp_path / "in_temp_scale").write_text("31.25")
    assert read_celsius(str(tmp_path / "in_temp_raw")) == pytest.approx(31.25)


def test_a_star_means_the_only_file_that_fits(tmp_path: Path) -> None:
    for name in ("28-0001", "28-0002"):
        (tmp_path / name).mkdir()
    (tmp_path / "28-0001" / "temperature").write_text("40000")
    assert read_celsius(f"{tmp_path}/28-*/temperature") == 40.0
    (tmp_path / "28-0002" / "temperature").write_text("41000")
    with pytest.raises(NoAnswer, match="2 files fit, it should be one"):
        read_celsius(f"{tmp_path}/28-*/temperature")
    with pytest.raises(NoAnswer, match="0 files fit"):
        read_celsius(f"{tmp_path}/29-*/temperature")


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no number"), ("warm", "no number"), ("nan", "cannot be"), ("850000", "cannot be"), ("-250000", "cannot be")],
)
def test_what_is_no_temperature_is_not_taken_for_one(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "temp1_input"
    path.write_text(text)
    with pytest.raises(NoAnswer, match=rf"^{path}: .*{words}"):
        read_celsius(str(path))


async def test_a_sensor_that_breaks_is_lost_and_one_that_is_mended_is_found(tmp_path: Path) -> None:
    path, heard = tmp_path / "temp1_input", Heard()
    path.write_text("20000")
    driver = make_driver("sysfs_thermometer", {"path": str(path), "period_s": 0.5, "add_c": 1.5}, PLACE, None, heard)
    async with running(driver):
        await heard.until(DeviceFound(1, "evse[0].thermometer[0]", str(path)))
        await heard.until(TemperatureMeasured(1, "inlet", 21.5))
        path.write_text("400001")
        lost = await heard.until(DeviceLost)
        assert isinstance(lost, DeviceLost)
        assert "open or shorted sensor" in lost.reason
        path.write_text("30000")
        await heard.until(TemperatureMeasured(1, "inlet", 31.5))
        assert len(heard.of(DeviceLost)) == 1


def test_it_sits_on_no_bus() -> None:
    bus = make_bus("gpio", {}, "bus.gpio")
    with pytest.raises(BadOptions, match="'sysfs_thermometer' needs no bus"):
        make_driver("sysfs_thermometer", {}, PLACE, bus, print)
    assert isinstance(make_driver("sysfs_thermometer", {}, PLACE, None, print), SysfsThermometer)
