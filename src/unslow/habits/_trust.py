"""Whether a recording can bear an answer: what it lacks, what cannot be concluded then, and how to record better."""

from __future__ import annotations

from dataclasses import dataclass

from unslow.core.profile import Profile
from unslow.core.units import share as show_share

MOST_DISTORTION = 0.10  # a recording that slowed the steps by more than this says too little about them (DESIGN.md)
LEAST_LAUNCHES = 20
"""So many launches without any kernel are no accident: the device was not recorded."""

RECORD = (
    "with torch.profiler.profile(schedule=torch.profiler.schedule(wait=1, warmup=2, active={steps}), on_trace_ready="
    "lambda p: p.export_chrome_trace('trace.json.gz')) as prof: … prof.step() at each step's end."
)
"""What records with PyTorch so that the steps are marked, warmed up, and few."""

FEWER = {
    "kineto": RECORD.format(steps=2),
    "nsight-systems": "nsys profile --trace=cuda,nvtx --delay=30 --duration=5 COMMAND",
    "xplane": "tf.profiler.experimental.start(folder), two steps, tf.profiler.experimental.stop(); or with "
    "jax.profiler.trace(folder): around two steps.",
}
"""What records a short stretch, by the recording's kind."""


@dataclass(frozen=True)
class Abstention:
    """Why shares of the time cannot be trusted, in one sentence, and what to do about it, in another."""

    reason: str
    advice: str


def abstention(profile: Profile) -> Abstention | None:
    """Why nothing is concluded from where the time went; None: the profile can be trusted.

    What facts alone prove (autograd, training mode, dtypes, threads, files) is still found by `diagnose`.
    """
    if profile.wall_ns <= 0:
        advice = "Record at least one step."
        if profile.source == "kineto":
            advice += " With PyTorch: " + RECORD.format(steps=5)
        return Abstention("The recording holds no steps: where the time went is unknown.", advice)
    return _lost(profile) or _unrecorded(profile) or _distorted(profile)


def doubts(profile: Profile) -> tuple[str, ...]:
    """The same as notes: what cannot be concluded from a profile, and how to record better."""
    why = abstention(profile)
    return () if why is None else (f"{why.reason} {why.advice}",)


def _lost(profile: Profile) -> Abstention | None:
    if not profile.too_much_lost:
        return None
    reason = (
        f"{show_share(profile.lost)} of the kernels that were launched have no record: how long the device worked and "
        "waited is not known."
    )
    return Abstention(reason, f"Record fewer steps, with no other profiler attached: {FEWER[profile.source]}")


def _unrecorded(profile: Profile) -> Abstention | None:
    """Launches on the host, and no device: its operators then only show how long launching takes."""
    if profile.devices:
        return None
    launches = sum(is_launch(span.name) for span in profile.spans)
    if launches < LEAST_LAUNCHES:
        return None
    reason = f"The host launched {launches:,} kernels, and no device was recorded: what they took is not known."
    advice = "Give the profiler activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]: " + RECORD.format(steps=5)
    return Abstention(reason, advice)


def is_launch(name: str) -> bool:
    """Whether a call of a device's runtime launches one kernel ("cudaLaunchKernelExC", "hipModuleLaunchKernel")."""
    return name.startswith(("cuda", "cu", "hip")) and "LaunchKernel" in name


def _distorted(profile: Profile) -> Abstention | None:
    if profile.distortion is None or profile.distortion <= MOST_DISTORTION:
        return None
    advice = "Give larger requests or fewer, longer steps, so that each operator takes longer than its recording."
    if profile.devices:
        advice = "Leave with_stack, record_shapes and profile_memory off, and warm up first: " + RECORD.format(steps=5)
    return Abstention(
        f"Recording slowed the steps by {show_share(profile.distortion)}, more than {show_share(MOST_DISTORTION)}: "
        "nothing is concluded from shares of the time.",
        advice,
    )
