from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from unslow.machine._children import Children, child_environment

MODULE = """
    import os
    from unslow.machine._serve import cores, serve

    def fails():
        raise RuntimeError("no kernel here\\nand more")

    def chatty():
        print("a library's greeting", flush=True)
        os.write(1, b"native code's, too\\n")
        return [0.5]

    def hangs():
        import signal
        signal.pause()

    def starts_another():
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], close_fds=False)
        hangs()

    def dies():
        os._exit(9)

    if __name__ == "__main__":
        serve(lambda: {"chatty": chatty, "cores": lambda: [cores()], "fails": fails, "dies": dies, "hangs": hangs,
                       "starts_another": starts_another})
"""
LONG = 60.0


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "bench_of_a_test.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return {"it": "bench_of_a_test"}


def test_a_module_that_cannot_start_has_no_names() -> None:
    with Children({"it": "no_such_module_of_ours"}, 1, LONG) as children:
        assert children["it"].names == ()
        assert children["it"].ask("anything") == {}


def test_what_libraries_print_disturbs_nothing(modules: dict[str, str]) -> None:
    with Children(modules, 3, LONG) as children:
        assert children["it"].names == ("chatty", "cores", "fails", "dies", "hangs", "starts_another")
        assert children["it"].ask("chatty") == {"values": [0.5]}
        assert children["it"].ask("cores") == {"values": [3]}


def test_a_case_that_fails_is_an_answer(modules: dict[str, str]) -> None:
    with Children(modules, 1, LONG) as children:
        assert children["it"].ask("fails") == {"error": "RuntimeError: no kernel here"}
        assert children["it"].ask("chatty") == {"values": [0.5]}


def test_a_process_that_dies_answers_nothing_from_then_on(modules: dict[str, str]) -> None:
    with Children(modules, 1, LONG) as children:
        assert children["it"].ask("dies") == {}
        assert children["it"].ask("chatty") == {}


def test_the_deadline_ends_a_process_that_hangs(modules: dict[str, str]) -> None:
    with Children(modules, 1, 1.0) as children:
        assert children["it"].ask("hangs") == {}


def test_what_a_process_has_started_ends_with_it(modules: dict[str, str]) -> None:
    with Children(modules, 1, 1.0) as children:
        assert children["it"].ask("starts_another") == {}


def test_what_steers_threads_does_not_reach_a_benchmark() -> None:
    given = {"OMP_NUM_THREADS": "1", "MKL_DYNAMIC": "0", "HOME": "/"}
    assert child_environment(given, 4) == {"HOME": "/", "UNSLOW_BENCH_CORES": "4"}
