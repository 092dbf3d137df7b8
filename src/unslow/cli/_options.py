"""What several commands take: the target, its inputs, budget and noise; and how a budget is written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class Duration(click.ParamType[float]):
    """`90s`, `5m`, `1h`, or a number of seconds; as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", str(value))
        if not found:
            self.fail(f"{value!r} is no duration; write it as 90s, 5m or 1h", param, ctx)
        return float(found[1]) * SECONDS[found[2]]


class Bytes(click.ParamType[int]):
    """`8GB`, `500MB`, or a number of bytes; as bytes (decimal units)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMG]?B?)", str(value))
        if not found:
            self.fail(f"{value!r} is no size; write it as 8GB or 500MB", param, ctx)
        return int(float(found[1]) * {"k": 1e3, "M": 1e6, "G": 1e9}.get(found[2][:1], 1))


class ShapeOf(click.ParamType[tuple[str, tuple[int, ...]]]):
    """`NAME=1x3x224x224`; as the name and the sizes."""

    name = "shape"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        name, _, sizes = str(value).rpartition("=")
        if not name or not re.fullmatch(r"\d+(x\d+)*", sizes):
            self.fail(f"{value!r} is no shape; write it as NAME=1x3x224x224", param, ctx)
        return name, tuple(map(int, sizes.split("x")))


def about_inputs(command: C) -> C:
    """`--inputs`, `--shape` and `--trust`, for whatever names a target."""
    for option in (
        click.option(
            "--trust",
            is_flag=True,
            help="Load files that can run code (.pt2; any bundle but one for ONNX Runtime or OpenVINO).",
        ),
        click.option(
            "--shape",
            "shapes",
            type=ShapeOf(),
            multiple=True,
            metavar="NAME=AxBxC",
            help="The shape of a declared input of an .onnx file, where no inputs are given; can be repeated.",
        ),
        click.option(
            "--inputs", default="", metavar="FILE.npz", help="Requests: arrays by input name, or N/name for several."
        ),
    ):
        command = option(command)
    return command


def about_looking(command: C) -> C:
    """`--after`, for whatever looks at a target and changes nothing."""
    said = "Steps of a script that go by first: until its caches are filled, say."
    return click.option("--after", type=click.IntRange(min=0), default=0, metavar="STEPS", help=said)(command)


def about_page(command: C) -> C:
    """`--page`, for whatever shows a profile."""
    said = "Also write one offline page: the steps over time, what they were spent in, the devices."
    return click.option("--page", "page_file", default="", metavar="FILE.html", help=said)(command)


def about_measuring(command: C) -> C:
    """`--objective`, `--noise`, `--seed` and `--memory`."""
    for option in (
        click.option(
            "--memory",
            type=Bytes(),
            default="0",
            metavar="SIZE",
            help="What one process may take at most; default: most of what is free when it starts.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Of every coin and resample."),
        click.option(
            "--noise", type=float, default=0.02, show_default=True, help="Differences up to this are called the same."
        ),
        click.option(
            "--objective",
            type=click.Choice(["latency", "throughput", "cost"]),
            default="latency",
            show_default=True,
            help="What should shrink: the time of a request, the time of many, or CPU-seconds.",
        ),
    ):
        command = option(command)
    return command


def typed() -> str:
    """The command as it was typed, for a shell to take it again."""
    given: list[str] = click.get_current_context().find_root().obj or []
    return shlex.join(["unslow", *given])
