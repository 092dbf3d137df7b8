"""What a recording made elsewhere tells of the workload behind it, in the terms of a survey."""

from __future__ import annotations

from unslow.core.facts import Facts
from unslow.core.profile import Profile, Span
from unslow.core.script import LoaderFacts, ScriptFacts, Site

FRAMEWORKS = {"kineto": "torch", "onnxruntime": "onnx", "xplane": "tensorflow"}
IN_PROCESS, BY_WORKERS = "SingleProcess", "MultiProcessing"


def facts_of(profile: Profile) -> Facts:
    """Times of the steps, and the loaders that were waited for; the rest a recording does not know."""
    steps = max(1, len(profile.steps))
    seconds = profile.wall_ns / 1e9 / steps
    loader = _loader(profile) if profile.source == "kineto" else None
    script = ScriptFacts("optimizer", len(profile.steps), loaders=(loader,) if loader else (), torch=True)
    framework = FRAMEWORKS.get(profile.source, "function")
    return Facts(framework, steps, seconds, 0.0, 0, 0.0, script=script if loader else None)


def _loader(profile: Profile) -> LoaderFacts | None:
    """The loader that is waited for longest, by what kind of iterator it has."""
    waits: dict[str, list[Span]] = {}
    for span in profile.spans:
        if span.details.get("phase") == "data":
            waits.setdefault(span.name, []).append(span)
    if not waits:
        return None
    name, spans = max(waits.items(), key=lambda item: sum(span.duration_ns for span in item[1]))
    wait_s = sum(span.duration_ns for span in spans) / 1e9 / len(profile.steps)
    workers = 1 if BY_WORKERS in name or IN_PROCESS not in name else 0
    return LoaderFacts(Site("", 0), False, "", 0, 0, workers, False, False, 0, len(profile.steps), 1, wait_s)
