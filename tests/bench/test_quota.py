"""A quota around the planted programs that need one."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from bench._quota import quota
from unslow.machine.limits import cpu_quota


@pytest.mark.parametrize("said", ["", "0::/pod\n", "4:cpuset:/a\n0::/gone\n", "3:cpu,cpuacct:/a\n"])
def test_a_system_that_grants_no_group_says_so_and_keeps_nothing(said: str, tmp_path: Path) -> None:
    (tmp_path / "pod").mkdir()
    (tmp_path / "own").write_text(said)
    with pytest.raises(OSError), quota(1, tmp_path, tmp_path / "own"):
        pytest.fail("There is no group to be in.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own", "pod"] and not list((tmp_path / "pod").iterdir())


def test_a_real_one() -> None:
    before = cpu_quota()
    with ExitStack() as around:
        try:
            around.enter_context(quota(0.5))
        except OSError as error:
            pytest.skip(f"no control group can be made here: {error}")
        assert cpu_quota() == pytest.approx(0.5)
    assert cpu_quota() == before
