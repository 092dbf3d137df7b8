"""A profile as drawings that need no script: the steps over their time, all of them merged by path, the devices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from unslow.core import units
from unslow.core.profile import CATEGORIES, Profile
from unslow.report._icicle import DEEPEST, Frame, icicle
from unslow.report._over_time import KINDS, DeviceRow, Row, Timeline, device_rows, timeline
from unslow.report._svg import KIND_CLASSES, KIND_NAMES, WIDTH, columns, legend, ms, stacked, svg, text, words

LEFT, RIGHT = 62, 82
"""What is left of the bars for their names, and right of them for their times."""
ROW, LETTER = 20, 6.7
"""A row of the icicle, and a letter in it, in the drawing's units."""
DEVICE_ROW = 54


@dataclass(frozen=True)
class Drawn:
    """Markup of our own; "" for what there is nothing of."""

    timeline: Markup
    said: str
    icicle: Markup
    devices: Markup


def drawn(profile: Profile | None) -> Drawn | None:
    """The drawings; None where there is no profile, or no time in it."""
    if profile is None or not profile.wall_ns:
        return None
    steps = timeline(profile)
    return Drawn(
        _timeline(steps),
        _said(steps, profile.source),
        _icicle(icicle(profile), profile),
        _devices(device_rows(profile)),
    )


def _said(steps: Timeline, source: str) -> str:
    """Which steps are shown, and how to read them."""
    which = (
        f"{len(steps.rows)} of {steps.steps:,} steps, evenly chosen" if len(steps.rows) < steps.steps else "Each step"
    )
    composed = " What a phase is made of comes from a window of its own: its order in the phase is not told."
    said = f"{which}, over its own time; a column is split by what the time in it went to."
    return said + (composed if source == "script" else "")


def _timeline(steps: Timeline) -> Markup:
    tall = max(13.0, min(56.0, 300 / max(len(steps.rows), 1)))
    scale = (WIDTH - LEFT - RIGHT) / max(steps.longest_ns, 1)
    body: list[str] = []
    for place, row in enumerate(steps.rows):
        top = place * (tall + 4)
        body += _bar(row, LEFT, top, tall, scale, {name: name for name in CATEGORIES}, {})
        body.append(text(LEFT - 8, top + tall / 2 + 4, row.name, "end"))
        body.append(text(LEFT + row.wall_ns * scale + 8, top + tall / 2 + 4, ms(row.wall_ns)))
    seen = [name for name in CATEGORIES if any(name in row.parts for row in steps.rows)]
    label = f"{len(steps.rows)} steps, each as a bar of its time by category"
    return legend((name, name) for name in seen) + svg(len(steps.rows) * (tall + 4), label, body, "timeline")


def _bar(
    row: Row, left: float, top: float, tall: float, scale: float, css: dict[str, str], names: dict[str, str]
) -> Iterator[str]:
    edges = left + row.edges.astype(np.float64) * scale
    for name, (low, high) in stacked(edges, row.parts, np.diff(row.edges)).items():
        share = row.total_ns(name) / row.wall_ns
        time = f"{ms(row.total_ns(name))} of {ms(row.wall_ns)} ({units.share(share)})"
        said = f"{row.name} · {names.get(name, name)}: {time}"
        path = columns(edges, low, high, top, tall)
        yield f'<path class="c-{css[name]}" d="{path}"><title>{words(said)}</title></path>'


def _icicle(frames: tuple[Frame, ...], profile: Profile) -> Markup:
    body = [_frame(frame, WIDTH / profile.wall_ns, profile.wall_ns) for frame in frames]
    rows = 1 + max((frame.depth for frame in frames), default=0)
    label = f"What the steps spent their time in: {len(frames)} paths of names, the longest first"
    seen = [name for name in CATEGORIES if any(frame.category == name for frame in frames)]
    return legend((name, name) for name in seen) + svg(min(rows, DEEPEST + 2) * ROW, label, body, "icicle")


def _frame(frame: Frame, scale: float, wall_ns: int) -> str:
    x, wide, y = frame.start_ns * scale, frame.total_ns * scale, frame.depth * ROW
    name = f"{frame.merged:,} more, each too short to show" if frame.merged else frame.name
    letters = int((wide - 6) / LETTER)
    shown = text(x + 4, y + 14, _cut(frame.name, letters)) if letters >= 3 else f'<text y="{y + 14}"></text>'
    return (
        f'<g><title>{words(name, 240)}\n{_figures(frame, wall_ns)}</title><rect class="c-{frame.category}"'
        f' x="{x:.2f}" y="{y}" width="{wide:.2f}" height="{ROW - 1}"/>{shown}</g>'
    )


def _figures(frame: Frame, wall_ns: int) -> str:
    own = f", {ms(frame.own_ns)} its own" if 0 < frame.own_ns < frame.total_ns else ""
    calls = f" · {round(frame.calls):,} calls" if frame.calls >= 1 and frame.depth and not frame.merged else ""
    return f"{frame.category} · {ms(frame.total_ns)} ({units.share(frame.total_ns / wall_ns)}){own}{calls}"


def _cut(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def _devices(rows: tuple[DeviceRow, ...]) -> Markup:
    if not rows:
        return Markup("")
    body: list[str] = []
    for place, device in enumerate(rows):
        top = place * (DEVICE_ROW + 30) + 20
        model = f" ({device.model})" if device.model else ""
        body.append(
            text(0, top - 6, f"{device.row.name}{model}: busy {units.share(device.busy)} of {ms(device.row.wall_ns)}")
        )
        body.append(f'<rect class="track" x="0" y="{top}" width="{WIDTH}" height="{DEVICE_ROW}"/>')
        scale = WIDTH / device.row.wall_ns
        body += _bar(device.row, 0, top, DEVICE_ROW, scale, KIND_CLASSES, KIND_NAMES)
        body += [f'<path class="mark" d="M{mark * scale:.1f} {top - 2}v{DEVICE_ROW + 6}"/>' for mark in device.marks]
    seen = [(KIND_CLASSES[kind], KIND_NAMES[kind]) for kind in KINDS if any(kind in row.row.parts for row in rows)]
    label = "; ".join(f"{device.row.name} busy {units.share(device.busy)}" for device in rows)
    return legend(seen) + svg(len(rows) * (DEVICE_ROW + 30), f"How busy each device was: {label}", body, "devices")
