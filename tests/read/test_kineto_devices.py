"""Kineto recordings with a device, by the names of all years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import traces
from traces import op, step
from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.habits import abstention
from unslow.read import facts_of, read
from unslow.read.kineto import profile_of as host_profile_of

STEP = step(0, 0, 100)


def kernel(name: str, ts: float, dur: float, correlation: int = 1, **args: Any) -> traces.Event:
    event = op(name, ts, dur, "kernel", tid=7, correlation=correlation, device=0, stream=7, **args)
    return {**event, "pid": 0}


def profile_of(tmp_path: Path, *events: Any, **others: Any) -> Profile:
    return read(traces.kineto(tmp_path / "t.json", events, **others))


def test_a_kernel_comes_before_what_the_host_does_meanwhile(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, STEP, op("aten::mm", 0, 50), kernel("gemm", 40, 50))
    assert profile.shares["compute"] == pytest.approx(0.5)
    assert profile.shares["framework"] == pytest.approx(0.4)
    assert profile.shares["idle"] == pytest.approx(0.1)


def test_a_kernel_knows_the_operator_and_when_it_was_launched(tmp_path: Path) -> None:
    external = {"External id": 5}
    mm = op("aten::mm", 0, 9, **external, **{"Input Dims": [[2, 3]], "Input type": ["double"], "Concrete Inputs": [""]})
    launch = op("cudaLaunchKernel", 3, 2, "cuda_runtime", correlation=1, **external)
    profile = profile_of(tmp_path, STEP, mm, launch, kernel("gemm", 20, 10, **external))
    ((activity,),) = (device.activities for device in profile.devices)
    assert activity.launched_ns == 3000
    assert activity.details == {"op": "aten::mm", "shapes": [[2, 3]], "dtypes": ["float64"]}
    assert next(span for span in profile.spans if span.name == "gemm").details["op"] == "aten::mm"


def test_our_own_recordings_have_devices_too(tmp_path: Path) -> None:
    """What they cost was measured, and is no guess from the recorder's own marks."""
    launches = [op("cudaLaunchKernel", n, 0.5, "cuda_runtime", correlation=n) for n in range(1, 31)]
    kernels = [kernel("gemm", 40 + n, 1, n) for n in range(1, 31)]
    header = {"requests": [0], "distortion": 0.03}
    profile = profile_of(tmp_path, STEP, op("aten::mm", 0, 50), *launches, *kernels, unslow=header)
    assert [device.name for device in profile.devices] == ["GPU 0"] and profile.shares["compute"] == pytest.approx(0.3)
    assert profile.distortion == 0.03 and abstention(profile) is None


def test_of_a_script_s_operators_the_host_s_side_counts(tmp_path: Path) -> None:
    """Its phases are the host's; what a device did meanwhile lies in none of them."""
    events = [STEP, op("aten::mm", 10, 50), kernel("void at::native::gemm", 40, 50)]
    alone = host_profile_of({"traceEvents": events}, tmp_path / "script.json")
    assert not alone.devices and [span.name for span in alone.spans] == ["step", "aten::mm"]


def test_copies_say_where_from_and_where_to(tmp_path: Path) -> None:
    names = {
        "Memcpy HtoD (Pageable -> Device)": ("host-to-device", "pageable"),
        "Memcpy HtoD (Pinned -> Device)": ("host-to-device", "pinned"),
        "Memcpy DtoH (Device -> Pinned)": ("device-to-host", "pinned"),
        "Memcpy DtoD (Device -> Device)": ("device-to-device", ""),
    }
    events = [op(name, 10 * at, 5, "gpu_memcpy", tid=7, bytes=64) for at, name in enumerate(names)]
    (device,) = profile_of(tmp_path, STEP, *events).devices
    known = [(one.details["direction"], one.details["memory"]) for one in device.activities]
    assert known == list(names.values()) and all(one.details["bytes"] == 64 for one in device.activities)


def test_the_names_of_2021(tmp_path: Path) -> None:
    loading = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"
    events = [
        op("ProfilerStep#5", 0, 100, "Operator"),
        op(loading, 0, 30, "Operator"),
        {**op("sgemm", 40, 50, "Kernel", correlation=1, device=0), "tid": "stream 7", "pid": 0},
    ]
    profile = profile_of(tmp_path, *events)
    assert profile.shares["data"] == pytest.approx(0.3) and profile.shares["compute"] == pytest.approx(0.5)
    script = facts_of(profile).script
    assert script is not None
    (loader,) = script.loaders
    assert loader.workers == 0 and loader.wait_s == pytest.approx(30e-6) and str(loader.site) == ""


def test_a_loader_that_has_workers_is_known_by_its_iterator(tmp_path: Path) -> None:
    loading = op("enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__", 0, 30, "user_annotation")
    script = facts_of(profile_of(tmp_path, STEP, loading, kernel("gemm", 40, 50))).script
    assert script is not None and script.loaders[0].workers > 0


def test_communication_is_known_by_its_kernels(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, STEP, kernel("ncclDevKernel_AllReduce_Sum_f32_RING_LL", 0, 20), kernel("k", 10, 20))
    assert profile.shares["communication"] == pytest.approx(0.1) and profile.shares["compute"] == pytest.approx(0.2)


def test_the_device_s_own_steps_count_for_it(tmp_path: Path) -> None:
    marks = [{**step(n, ts, 20, "gpu_user_annotation"), "pid": 0, "tid": 7} for n, ts in ((0, 10), (1, 60))]
    marks = [{**mark, "args": {"device": 0}} for mark in marks]
    profile = profile_of(tmp_path, step(0, 0, 45), step(1, 45, 45), *marks, kernel("k", 10, 20), kernel("k", 60, 20))
    assert [span.duration_ns for span in profile.steps] == [50_000, 20_000]  # the first lasts until the second
    (device,) = profile.devices
    assert device.share() == pytest.approx(40 / 70) and device.steps == 2


def test_a_step_that_is_marked_on_several_streams_lasts_from_the_first_to_the_last(tmp_path: Path) -> None:
    marks = [
        {**step(0, ts, us, "gpu_user_annotation"), "pid": 0, "tid": stream, "args": {"device": 0}}
        for stream, ts, us in ((7, 10, 80), (20, 70, 25))
    ]
    profile = profile_of(tmp_path, step(0, 0, 100), *marks, kernel("k", 10, 80))
    assert [(span.start_ns, span.end_ns) for span in profile.steps] == [(10_000, 95_000)]


def test_what_the_device_is(tmp_path: Path) -> None:
    properties = [{"id": 0, "name": "Tesla V100", "computeMajor": 7, "computeMinor": 0, "totalGlobalMem": 1 << 34}]
    (device,) = profile_of(tmp_path, STEP, kernel("k", 0, 5), deviceProperties=properties).devices
    assert (device.name, device.model, device.capability, device.memory_bytes) == (
        "GPU 0",
        "Tesla V100",
        (7, 0),
        1 << 34,
    )


def test_a_kernel_that_ends_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="dur is -5"):
        profile_of(tmp_path, STEP, kernel("k", 10, -5))


def test_what_zero_grad_has_launched_is_told_from_other_fills(tmp_path: Path) -> None:
    zero = op("Optimizer.zero_grad#SGD.zero_grad", 10, 20, "user_annotation")
    launches = [op("cudaLaunchKernel", ts, 2, "cuda_runtime", correlation=n) for n, ts in ((1, 12), (2, 60))]
    kernels = [kernel("fill", 35, 5, correlation=1), kernel("fill", 65, 5, correlation=2)]
    (device,) = profile_of(tmp_path, STEP, zero, *launches, *kernels).devices
    assert [one.details.get("within") for one in device.activities] == ["zero_grad", None]


def frame(name: str, ts: float, dur: float) -> traces.Event:
    return op(name, ts, dur, "python_function")


def test_python_s_frames_show_where_nothing_else_goes_on(tmp_path: Path) -> None:
    frames = [
        frame("train.py(3): <module>", 0, 100),
        frame("train.py(12): step", 10, 60),
        frame("torch/nn/modules/module.py(1501): _call_impl", 10, 60),
        frame("data.py(7): augment", 20, 30),
    ]
    profile = profile_of(tmp_path, STEP, *frames, op("aten::mm", 60, 5), kernel("gemm", 80, 20))
    shown = [(span.name, span.duration_ns // 1000) for span in profile.spans[1:]]
    assert shown == [
        ("train.py(3): <module>", 10),
        ("train.py(12): step", 10),
        ("data.py(7): augment", 30),
        ("train.py(12): step", 10),
        ("aten::mm", 5),
        ("train.py(12): step", 5),
        ("train.py(3): <module>", 10),
        ("gemm", 20),
    ]
    assert profile.shares["framework"] == pytest.approx(0.8) and not profile.shares["idle"]


def test_what_was_called_in_functions_of_python_knows_them(tmp_path: Path) -> None:
    frames = [frame("train.py(3): <module>", 0, 90), frame("train.py(12): step", 10, 60), frame("x.py(1): f", 20, 30)]
    launch = op("cudaLaunchKernel", 30, 2, "cuda_runtime", correlation=4)
    gemm = kernel("gemm", 80, 15, correlation=4)
    profile = profile_of(tmp_path, STEP, *frames, op("aten::mm", 55, 5), op("aten::add", 95, 1), launch, gemm)
    stacks = {span.name: span.details.get("stack") for span in profile.spans[1:]}
    step, outside = ("train.py(3): <module>", "train.py(12): step"), None
    assert stacks["aten::mm"] == step and stacks["x.py(1): f"] == step
    assert stacks["cudaLaunchKernel"] == stacks["gemm"] == (*step, "x.py(1): f")
    assert stacks["train.py(3): <module>"] == () and stacks["aten::add"] is outside


def test_a_frame_of_another_thread_is_nobody_s(tmp_path: Path) -> None:
    other = {**frame("worker.py(1): run", 0, 90), "tid": 99}
    profile = profile_of(tmp_path, STEP, other, op("aten::mm", 10, 5), kernel("gemm", 80, 20))
    assert all("stack" not in span.details for span in profile.spans)
