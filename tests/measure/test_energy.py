"""Energy counters in a folder made by hand, as Linux shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import FakeProcess
from unslow.measure.energy import NO_METER, Meter, rapl
from unslow.measure.turns import Side

RANGE = 262_143_328_850


def domain(root: Path, folder: str, name: str = "package-0", uj: object = 1_000_000, most: object = RANGE) -> Path:
    made = root / folder
    made.mkdir(parents=True)
    for file, value in (("name", name), ("energy_uj", uj), ("max_energy_range_uj", most)):
        (made / file).write_text(f"{value}\n")
    return made


def spent(meter: Meter, folder: Path, later: int) -> float | None:
    before = meter.read()
    (folder / "energy_uj").write_text(str(later))
    return meter.joules(before, meter.read())


def test_a_machine_without_counters_measures_nothing(tmp_path: Path) -> None:
    assert rapl(tmp_path / "missing") == NO_METER
    assert NO_METER.joules(NO_METER.read(), NO_METER.read()) is None


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:0:1", "dram"),
        ("intel-rapl:1", "psys"),
        ("intel-rapl-mmio:0", "package-0"),
        ("dtpm:0", "package-0"),
    ],
)
def test_what_is_no_package_is_not_read(tmp_path: Path, folder: str, name: str) -> None:
    domain(tmp_path, folder, name)
    assert rapl(tmp_path) == NO_METER


@pytest.mark.parametrize(("uj", "most"), [("no number", RANGE), ("", RANGE), (5, "0"), (5, "")])
def test_a_counter_that_makes_no_sense_is_none(tmp_path: Path, uj: object, most: object) -> None:
    domain(tmp_path, "intel-rapl:0", uj=uj, most=most)
    assert rapl(tmp_path) == NO_METER


def test_one_package_of_two_is_no_measure_of_the_machine(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0")
    (domain(tmp_path, "intel-rapl:1", "package-1") / "energy_uj").unlink()
    assert rapl(tmp_path) == NO_METER


def test_a_counter_that_is_closed_while_it_is_used_measures_nothing_more(tmp_path: Path) -> None:
    folder = domain(tmp_path, "intel-rapl:0")
    meter = rapl(tmp_path)
    before = meter.read()
    (folder / "energy_uj").unlink()
    assert meter.joules(before, meter.read()) is None


def test_joules_are_the_difference_and_a_counter_that_starts_again_loses_none(tmp_path: Path) -> None:
    folder = domain(tmp_path, "intel-rapl:0")
    assert spent(rapl(tmp_path), folder, 3_500_000) == pytest.approx(2.5)
    (folder / "energy_uj").write_text(str(RANGE - 1_000_000))
    assert spent(rapl(tmp_path), folder, 500_000) == pytest.approx(1.5)


def test_packages_add_up_and_what_lies_inside_them_does_not_count_twice(tmp_path: Path) -> None:
    first, second = domain(tmp_path, "intel-rapl:0"), domain(tmp_path, "intel-rapl:1", "package-1")
    inside = domain(tmp_path, "intel-rapl:0:0", "core")
    meter = rapl(tmp_path)
    before = meter.read()
    for folder in (first, second, inside):
        (folder / "energy_uj").write_text("2000000")
    assert meter.joules(before, meter.read()) == pytest.approx(2.0)


def test_a_turn_keeps_the_part_of_the_requests_that_it_counts(tmp_path: Path) -> None:
    """One untimed request and three that count took 4 J."""
    folder = domain(tmp_path, "intel-rapl:0", uj=7)

    def takes(turn: int) -> float:
        (folder / "energy_uj").write_text("4000007")
        return 0.1

    meter = rapl(tmp_path)
    assert Side(FakeProcess(takes), 0.1, meter=meter).turn(1, 3, 0.3).joules == pytest.approx(3.0)
    assert Side(FakeProcess(takes), 0.1).turn(1, 3, 0.3).joules is None
