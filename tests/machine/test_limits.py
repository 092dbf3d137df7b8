from __future__ import annotations

from pathlib import Path

import pytest

from unslow.machine.limits import cpu_quota, free_memory, memory_left, memory_limit, usable_cores

CGROUP = "sys/fs/cgroup"


def tree(root: Path, group: str, files: dict[str, str]) -> Path:
    """A machine's root folder with the process's control group and these files under /sys/fs/cgroup."""
    for name, text in {"proc/self/cgroup": group, **{f"{CGROUP}/{name}": text for name, text in files.items()}}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_no_control_groups_at_all(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None
    assert memory_limit(tmp_path) is None


def test_version_2_without_a_quota(tmp_path: Path) -> None:
    root = tree(tmp_path, "0::/a\n", {"a/cpu.max": "max 100000\n", "a/memory.max": "max\n"})
    assert cpu_quota(root) is None
    assert memory_limit(root) is None


def test_version_1_without_a_quota(tmp_path: Path) -> None:
    files = {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"}
    assert cpu_quota(tree(tmp_path, "4:cpu:/a\n", files)) is None


@pytest.mark.parametrize("text", ["", "150000", "150000 0", "words here", "150000 100000 7"])
def test_a_file_that_makes_no_sense_is_no_quota(tmp_path: Path, text: str) -> None:
    assert cpu_quota(tree(tmp_path, "0::/a\n", {"a/cpu.max": text})) is None


def test_another_controller_s_group_does_not_count(tmp_path: Path) -> None:
    files = {"cpuset/a/cpu.cfs_quota_us": "100000\n", "cpuset/a/cpu.cfs_period_us": "100000\n"}
    assert cpu_quota(tree(tmp_path, "4:cpuset:/a\n", files)) is None


def test_version_2_quota_and_limit(tmp_path: Path) -> None:
    root = tree(tmp_path, "0::/a/b\n", {"a/b/cpu.max": "150000 100000\n", "a/b/memory.max": "2000000000\n"})
    assert cpu_quota(root) == 1.5
    assert memory_limit(root) == 2_000_000_000


def test_the_tightest_group_around_counts(tmp_path: Path) -> None:
    files = {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "200000 100000\n", "cpu.max": "max 100000\n"}
    assert cpu_quota(tree(tmp_path, "0::/a/b\n", files)) == 2.0


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    root = tree(tmp_path, "0::/../host/only\n", {"cpu.max": "50000 100000\n"})
    assert cpu_quota(root) == 0.5


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_version_1_quota(tmp_path: Path, mount: str) -> None:
    files = {f"{mount}/a/cpu.cfs_quota_us": "300000\n", f"{mount}/a/cpu.cfs_period_us": "100000\n"}
    assert cpu_quota(tree(tmp_path, "4:cpu,cpuacct:/a\n", files)) == 3.0


def test_version_1_memory(tmp_path: Path) -> None:
    assert memory_limit(tree(tmp_path, "9:memory:/a\n", {"memory/a/memory.limit_in_bytes": "4096\n"})) == 4096


@pytest.mark.parametrize(
    ("logical", "affine", "quota", "cores"),
    [(8, None, None, 8), (8, 3, None, 3), (8, 8, 1.5, 2), (8, 2, 6.0, 2), (8, 8, 0.25, 1), (1, 1, 16.0, 1)],
)
def test_usable_cores_are_the_least(logical: int, affine: int | None, quota: float | None, cores: int) -> None:
    assert usable_cores(logical, affine, quota) == cores


@pytest.mark.parametrize(
    "files",
    [{}, {"a/memory.max": "max\n", "a/memory.current": "5\n"}, {"a/memory.max": "100\n"}, {"a/memory.current": "5\n"}],
)
def test_nothing_is_said_of_what_is_left_without_a_limit_and_what_is_used_of_it(
    tmp_path: Path, files: dict[str, str]
) -> None:
    root = tree(tmp_path, "0::/a\n", files)
    assert memory_left(root) is None
    assert free_memory(root) > 10_000_000


def test_files_that_the_kernel_keeps_are_left(tmp_path: Path) -> None:
    stat = "anon 300\ninactive_file 150\nactive_file 50\nshmem 7\nodd\n"
    files = {"a/memory.max": "1000\n", "a/memory.current": "600\n", "a/memory.stat": stat}
    root = tree(tmp_path, "0::/a\n", files)
    assert memory_left(root) == 600
    assert free_memory(root) == 600


def test_version_1_counts_the_groups_inside(tmp_path: Path) -> None:
    stat = "inactive_file 1\nactive_file 1\ntotal_inactive_file 100\ntotal_active_file 100\n"
    files = {
        "memory/a/memory.limit_in_bytes": "1000\n",
        "memory/a/memory.usage_in_bytes": "900\n",
        "memory/a/memory.stat": stat,
    }
    assert memory_left(tree(tmp_path, "9:memory:/a\n", files)) == 300


def test_the_group_with_the_least_left_counts_and_less_than_nothing_is_nothing(tmp_path: Path) -> None:
    files = {
        "a/b/memory.max": "500\n",
        "a/b/memory.current": "100\n",
        "a/memory.max": "900\n",
        "a/memory.current": "950\n",
    }
    assert memory_left(tree(tmp_path, "0::/a/b\n", files)) == 0
