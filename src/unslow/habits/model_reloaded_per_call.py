"""The model is read from its file again for every request, instead of once.

What it is
----------
The function that answers a request also opens the model: `torch.load`, `InferenceSession(...)` or
`from_pretrained(...)` stand inside it.

Why it is slow
--------------
Reading 100 MB of weights, building the layers and preparing the runtime takes a tenth of a second to many seconds.
The answer itself often takes some milliseconds. Whatever the first request warmed up is thrown away too.

How it shows
------------
A file was opened at least 0.75 times per request while requests were answered, and is a model by its ending (`.onnx`,
`.pt`, `.safetensors` and the like), or is at least 100 kB and no image, sound, table or program. A file that each
request brings along is opened once in the whole stream: 0.5 times where two were watched, which is the least; where the
stream has one request alone, a loader of models must be seen at work. Source of the 0.75: a model that is cached is
opened 0 times, one that is not at least once; of a script, 0.5 allows for steps that were seen in part. The time at
stake is that of the categories `setup` and `io` and of functions that load models, where the recording shows them: pure
waste, nothing must remain. Where it does not, the finding is unbounded. Of a script, the calls that load (`torch.load`,
`from_pretrained`, `InferenceSession`, …) are timed, and count where the same is loaded again; so does then
`load_state_dict`; the finding is unbounded then, since each answer is the first of a model, and slower than those that
follow it (2.4 times were gained where loading took 38 % of a step, 4.2 times where it took 62 %).

When it does not matter
-----------------------
When one process answers one request and ends, such as a command-line tool.

Risk
----
The model stays in memory. If the file is replaced while the process runs, the old model goes on answering until a
restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from unslow.core.facts import FileRead
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.script import ScriptFacts
from unslow.core.units import share as show_share
from unslow.core.units import size, times
from unslow.habits._loading import calling_line, is_loading
from unslow.habits._script import mean_step_s
from unslow.habits._shares import LEAST_SHARE, share_within

NAME = "model-reloaded-per-call"
LEAST_OPENS, LEAST_LOADS, LARGE_BYTES = 0.75, 0.5, 100_000
_MODELS = frozenset({
    ".onnx", ".ort", ".pt", ".pt2", ".pth", ".ckpt", ".safetensors", ".h5", ".hdf5", ".keras", ".pb", ".tflite",
    ".joblib", ".pkl", ".gguf", ".xml", ".bin", ".npz",
})  # fmt: skip
_NO_MODELS = frozenset({
    ".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".wav", ".mp3", ".flac", ".ogg", ".mp4",
    ".avi", ".csv", ".tsv", ".parquet", ".jsonl", ".txt", ".log", ".py", ".pyc", ".so", ".ttf",
})  # fmt: skip


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if a model-like file is opened about once per request."""
    if evidence.facts.script is not None:
        yield from _of_a_script(evidence, evidence.facts.script)
        return
    often = [file for file in evidence.facts.files_read if file.opens_per_request >= LEAST_OPENS]
    files = [file for file in often if is_model_like(file)]
    if not files:
        return
    file = max(files, key=lambda file: file.size_bytes * file.opens_per_request)
    numbers: dict[str, EvidenceValue] = {"file": file.path, "size_bytes": file.size_bytes, "files": len(files)}
    numbers["opens_per_request"] = round(file.opens_per_request, 2)
    loading = share_within(evidence.profile, is_loading)
    name = PurePath(file.path).name
    what = f"{name} ({size(file.size_bytes)}) is opened {times(file.opens_per_request)} times per request"
    advice = "Open the model once, outside the function that answers requests, and keep it."
    if loading < LEAST_SHARE:
        if evidence.facts.requests > 1:  # Of one alone the file may be what it is about.
            yield Finding(NAME, f"{what}; how long loading takes is not known.", 1.0, None, numbers, advice=advice)
        return
    numbers["loading_share"] = loading
    title = f"{what}: loading takes {show_share(loading)} of the time."
    yield Finding(NAME, title, loading, 0.0, numbers, site=calling_line(evidence.profile), advice=advice)


def _of_a_script(evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The call that loads the same again in its steps and takes longest."""
    steps, step_s = script.noted_steps, max(mean_step_s(evidence), 1e-9)
    loads = [load for load in script.of_kind("load") if load.times_in_steps >= LEAST_LOADS * steps]
    loads = [load for load in loads if load.details["again"]]
    if not loads:
        return
    longest = max(loads, key=lambda load: load.seconds_in_steps)
    copies = [copied for copied in script.of_kind("load-state") if copied.times_in_steps >= LEAST_LOADS * steps]
    share = min(1.0, sum(call.seconds_in_steps for call in (*loads, *copies)) / steps / step_s)
    numbers: dict[str, EvidenceValue] = {
        "file": longest.details["file"],
        "size_bytes": longest.details["bytes"],
        "loads_per_step": round(longest.times_in_steps / steps, 2),
        "copies_into_models_per_step": round(sum(copied.times_in_steps for copied in copies) / steps, 2),
        "loading_share": share,
    }
    what = longest.details["file"] or "the same"
    title = f"{longest.details['call']} loads {what} again in each step: {show_share(share)} of its time."
    if share >= LEAST_SHARE:
        advice = "Load it once, before the loop, and keep it."
        yield Finding(NAME, title, share, None, numbers, str(longest.site), advice)


def is_model_like(file: FileRead) -> bool:
    """Whether it is a model by its ending, or large and of no ending that data and programs have."""
    ending = PurePath(file.path).suffix.lower()
    return ending in _MODELS or (file.size_bytes >= LARGE_BYTES and ending not in _NO_MODELS)


HABIT = Habit(name=NAME, area="inference", detect=detect)
