"""What a report keeps of a profile."""

from __future__ import annotations

from typing import Any

from unslow.core.device import Device
from unslow.core.profile import Profile
from unslow.core.trial import ProfileSummary

LONGEST = 25
SHOWN = ("kernel", "copy", "communication")


def summarised(profile: Profile, most: int = LONGEST) -> ProfileSummary:
    """The shares by category and the `most` longest names, each as {name, category, calls, own_s, share}."""
    wall_s = profile.wall_ns / 1e9
    longest = tuple(
        {
            "name": row.name,
            "category": row.category,
            "calls": row.calls,
            "own_s": row.own_ns / 1e9,
            "share": row.own_ns / profile.wall_ns if profile.wall_ns else 0.0,
        }
        for row in profile.totals[:most]
    )
    return ProfileSummary(
        steps=len(profile.steps),
        requests=profile.requests,
        wall_s=wall_s,
        shares={str(category): share for category, share in profile.shares.items()},
        distortion=profile.distortion,
        source=profile.source,
        longest=longest,
        notes=profile.notes,
        phases=profile.phases,
        devices=tuple(map(_device, profile.devices)),
    )


def _device(device: Device) -> dict[str, Any]:
    """How busy it was, in parts of its own window; what overlaps counts for each."""
    return {
        "name": device.name,
        "model": device.model,
        "window_s": device.window_ns / 1e9,
        "busy_share": device.share(),
        **{f"{kind}_share": device.share(lambda one, kind=kind: one.kind == kind) for kind in SHOWN},
        "kernels": sum(1 for one in device.activities if one.kind == "kernel"),
        "steps": device.steps,
    }
