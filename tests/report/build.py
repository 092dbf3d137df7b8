"""Reports as runs make them, and reports as nobody would wish them, for every test of what people see."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from unslow.core.comparison import Comparison, Side
from unslow.core.estimate import Verdict
from unslow.core.finding import Finding
from unslow.core.machine import Machine
from unslow.core.profile import Profile, Span
from unslow.core.trial import Guarded, Percentiles, RatedFinding, Report, Speedup, Trial
from unslow.core.variant import Applied
from unslow.report._summary import summarised

HOSTILE = (
    '</script><script>alert(1)</script><img src=x onerror="alert(2)">{{ 7*7 }}{% raw %}'
    "[bold red]\x1b[31m\x00\x07\u202eevil\udcff 模型 ümläut 🚀\r\n$(rm -rf ~)`id`' \" & <b>"
)
LONG = "layer.attention.self.query_key_value_projection." * 60


def machine() -> Machine:
    return Machine(
        processor="Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
        cores=2,
        logical_cores=8,
        physical_cores=4,
        cpu_quota=2.0,
        memory_bytes=16_000_000_000,
        flags=("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "amx_tile", "amx_int8", "amx_bf16"),
        accelerators=(),
        system="Linux 6.1 x86_64",
        python="3.12.4",
        libraries={"torch": "2.13.0", "onnxruntime": "1.23.0", "openvino": "2025.3", "numpy": "2.3.1"},
        environment={"OMP_NUM_THREADS": "2"},
        floors={"float32/float64:matmul": 0.51, "int8/float32:onnxruntime": 0.31, "compiled/eager:attention": 0.62},
    )


def profile() -> Profile:
    """Four steps of an encoder, 25 ms each."""
    spans: list[Span] = []
    parts = (
        ("tokenise", "data", 2_200_000, {}),
        ("aten::addmm", "compute", 12_400_000, {"shapes": [[32, 384], [384, 1536]], "dtypes": ["float32"]}),
        ("aten::scaled_dot_product_attention", "compute", 4_100_000, {}),
        ("aten::native_layer_norm", "compute", 1_300_000, {}),
        ("aten::gelu", "compute", 1_100_000, {}),
        ("autograd graph", "framework", 1_700_000, {}),
        ("aten::copy_", "transfer", 500_000, {}),
    )
    for step in range(4):
        start = step * 25_000_000
        root = len(spans)
        spans.append(Span(f"request {step}", "framework", start, start + 25_000_000))
        at = start
        for name, category, length, details in parts:
            spans.append(Span(name, category, at, at + length, root, details))  # type: ignore[arg-type]
            at += length
    notes = ("The recording holds one thread: work of other threads shows as waiting.",)
    return Profile(tuple(spans), "kineto", requests=4, distortion=0.04, notes=notes).self_check()


def findings() -> tuple[RatedFinding, ...]:
    return (
        RatedFinding(
            Finding(
                "uncompiled-graph",
                "94 % of the time is spent in 412 operators that run one by one.",
                0.94,
                0.42,
                {"operators": 412, "dispatch_us": 6.1, "compute_share": 0.756},
                "workload.py:31",
                "Export the model, or compile it.",
            ),
            2.2,
            True,
            ("onnxruntime", "openvino", "torch-compile"),
        ),
        RatedFinding(
            Finding(
                "full-precision-compute",
                "71 % of the time goes to float32 matrix products, where int8 takes a third of the time.",
                0.71,
                0.31,
                {"float32_share": 0.71, "matmuls": 72},
            ),
            1.96,
            True,
            ("int8-dynamic", "int8-static", "bfloat16"),
        ),
        RatedFinding(
            Finding(
                "autograd-at-inference",
                "The model records a graph for gradients that nobody takes.",
                0.068,
                0.0,
                {"graph_nodes": 310, "share_of_steps": 1.0, "grad_recorded": True},
                "workload.py:44",
                "Call the model inside torch.inference_mode().",
            ),
            1.07,
            True,
            ("inference-mode",),
        ),
        RatedFinding(
            Finding("padding-waste", "A third of the tokens are padding.", 0.33, None, {"padding_share": 0.33}),
            None,
            True,
            ("length-bucketing",),
        ),
        RatedFinding(
            Finding("pageable-copies", "2 % of the time goes to copies.", 0.02, 0.0, {"copies": 8}), 1.02, False, ()
        ),
    )


def metric(loss: float, low: float, high: float, tolerance: float = 0.01, n: int = 353) -> dict[str, Any]:
    """What the guard writes of a metric: the estimate of the loss, and the numbers behind it."""
    estimate = {"point": loss, "low": low, "high": high, "level": 0.95, "n": n, "unit": "the metric"}
    details = {
        "original": 0.7712,
        "variant": 0.7712 - loss,
        "tolerance": tolerance,
        "resampled": "requests",
        "samples": n,
    }
    return {"estimate": estimate, "details": details, "needed": None}


def guarded(verdict: str = "kept", loss: float = 0.0012, low: float = -0.0031, high: float = 0.0057) -> Guarded:
    reasons = {
        "kept": f"The metric loses {loss:.4f} ({low:.4f} to {high:.4f}), below the tolerance of 0.01.",
        "lost": f"The metric loses {loss:.4f} ({low:.4f} to {high:.4f}), above the tolerance of 0.01.",
        "unproven": f"The metric loses {loss:.4f} ({low:.4f} to {high:.4f}); 1,200 requests would do.",
    }
    return Guarded(verdict, reasons[verdict], metric=metric(loss, low, high))  # type: ignore[arg-type]


def percentiles(p50: float) -> Percentiles:
    return Percentiles(p50, p50 * 1.08, p50 * 1.31, p50 * 1.22, p50 * 1.49, 1200)


def original() -> Trial:
    return Trial(
        "original",
        (),
        "exact",
        "same",
        latency_ms=percentiles(24.8),
        throughput=40.1,
        peak_memory_bytes=612_000_000,
        artefact_bytes=90_900_000,
        cpu_seconds_per_1000=49.2,
        setup_s=2.1,
    )


def trial(
    id: str,
    fixes: tuple[Applied, ...],
    verdict: Verdict,
    speed: tuple[float, float, float] | None,
    outputs: Guarded | None = None,
    processes: int = 0,
    tag: str = "numeric",
    reason: str = "",
) -> Trial:
    speedup = None if speed is None else Speedup(*speed, 0.95, 25 * (processes or 2), processes)
    faster = speed[0] if speed else 1.0
    finals = processes > 0
    return Trial(
        id,
        fixes,
        tag,
        verdict,
        speedup,
        outputs,
        percentiles(24.8 / faster) if finals else None,
        40.1 * faster if finals else None,
        498_000_000 if speed else None,
        23_400_000 if finals else None,
        49.2 / faster if finals else None,
        None,
        8.4 if speed else None,
        478.0 if finals else None,
        reason,
        (0.7, 0.72, 0.71) if speed else (),
        ((0.74, 0.75), (0.76, 0.77)) if finals else (),
    )


def trials() -> tuple[Trial, ...]:
    onnx, int8 = Applied("onnxruntime", {"threads": 2}), Applied("int8-dynamic")
    return (
        original(),
        trial("1a2b3c4d", (onnx, int8), "faster", (2.13, 2.05, 2.21), guarded(), 8, "lossy"),
        trial(
            "2b3c4d5e",
            (onnx,),
            "faster",
            (1.42, 1.38, 1.46),
            guarded("kept", 0, 0, 0),
            8,
            reason="Slower than the winner.",
        ),
        trial(
            "3c4d5e6f",
            (Applied("openvino"), Applied("int8-static", {"calibration": 128})),
            "faster",
            (2.41, 2.2, 2.7),
            guarded("lost", 0.031, 0.018, 0.044),
            tag="lossy",
            reason="The outputs are lost: the metric loses 0.0310 (0.0180 to 0.0440), above the tolerance of 0.01.",
        ),
        trial(
            "4d5e6f70",
            (Applied("bfloat16"),),
            "faster",
            (1.61, 1.45, 1.83),
            guarded("unproven", 0.004, -0.009, 0.017),
            tag="lossy",
            reason="The outputs are unproven: 1,200 requests would do.",
        ),
        trial(
            "5e6f7081",
            (Applied("inference-mode"),),
            "undecided",
            (1.05, 0.98, 1.12),
            guarded(),
            tag="exact",
            reason="Behind the leader.",
        ),
        trial(
            "6f708192",
            (Applied("threads", {"threads": 8}),),
            "slower",
            (0.61, 0.55, 0.68),
            tag="exact",
            reason="Slower than the original.",
        ),
        trial(
            "708192a3",
            (Applied("channels-last"),),
            "same",
            (1.0, 0.99, 1.01),
            guarded(),
            tag="exact",
            reason="Not faster: inside the noise.",
        ),
        trial(
            "8192a3b4",
            (Applied("torch-compile", {"mode": "max-autotune"}),),
            "failed",
            None,
            reason="No C++ compiler was found.",
        ),
    )


def winner() -> Report:
    return Report(
        target="examples/sentence_encoder/workload.py:encoder",
        environment=machine(),
        seed=7,
        objective="latency",
        noise=0.02,
        profile=summarised(profile()),
        findings=findings(),
        trials=trials(),
        winner="1a2b3c4d",
        elapsed_s=287.4,
        command="unslow fix examples/sentence_encoder/workload.py:encoder --budget 5m --seed 7",
        folder="unslow-runs/encoder-20260101-120000",
        bundle="unslow-runs/encoder-20260101-120000/bundle",
        notes=("The load was a closed loop of one client.",),
        requests={"timed": 200, "kept for the finals": 100, "judged": 353, "labelled": True},
        load="Before: one request at a time. After: a closed loop of 2 clients, batches of 4.",
    )


def with_trials(*kept: Trial, notes: tuple[str, ...] = ()) -> Report:
    return replace(winner(), trials=(original(), *kept), winner=None, bundle="", notes=notes)


def nothing_helped() -> Report:
    return with_trials(*(t for t in trials() if t.verdict in ("undecided", "same", "slower")))


def all_failed() -> Report:
    failed = tuple(
        Trial(f"fa11ed0{k}", (Applied(name),), "numeric", "failed", reason=reason)
        for k, (name, reason) in enumerate(
            (
                ("onnxruntime", "The export failed: a loop depends on data."),
                ("openvino", "Out of memory: 9.1 GB of 8 GB."),
            )
        )
    )
    return with_trials(*failed)


def unproven() -> Report:
    kept = tuple(t for t in trials() if t.outputs and t.outputs.verdict == "unproven")
    return with_trials(*kept, notes=("The inputs were made from the declared shapes: accuracy is unproven.",))


def accepted_unproven() -> Report:
    return replace(winner(), trials=(original(), replace(trials()[1], outputs=guarded("unproven"))))


def interrupted() -> Report:
    racing = replace(trials()[1], verdict="faster", speedup=Speedup(2.1, 1.4, math.inf, 0.95, 12, 0), latency_ms=None)
    return replace(
        with_trials(racing, notes=("Interrupted after 41 s: everything that was finished is here.",)), elapsed_s=41.0
    )


def nothing_tried() -> Report:
    return replace(winner(), findings=(), trials=(), winner=None, bundle="", profile=summarised(Profile((), "steps")))


def not_numbers() -> Report:
    nan, inf = math.nan, math.inf
    wild = Trial(
        "deadbeef",
        (Applied("onnxruntime", {"scale": nan}),),
        "numeric",
        "undecided",
        Speedup(nan, nan, nan, 0.95, 0, 0),
        Guarded("unproven", "x", metric={"estimate": {"point": nan, "low": -inf, "high": inf}}, drift={"rank": nan}),
        Percentiles(nan, inf, -inf, 0.0, inf, 0),
        inf,
        0,
        -1,
        nan,
        inf,
        nan,
        inf,
    )
    wide = replace(
        wild, id="feedbeef", verdict="failed", speedup=Speedup(inf, 0.0, inf, 0.95, 1, 1), reason="Infinite."
    )
    thin = replace(wild, id="beefbeef", verdict="slower", speedup=Speedup(0.0, -inf, 0.0, 0.95, 1, 0), reason="Zero.")
    odd = RatedFinding(Finding("odd", "Odd numbers.", nan, 0.0, {"a": nan, "b": inf, "c": -inf}), inf, True, ("x",))
    base = winner()
    summary = replace(base.profile, wall_s=nan, shares={"compute": nan, "data": inf, "idle": -1.0}, distortion=inf)
    return replace(
        base, trials=(wild, wide, thin), winner="deadbeef", findings=(odd,), profile=summary, elapsed_s=nan, noise=0.0
    )


def hostile(text: str = HOSTILE) -> Report:
    """Every text field is `text`."""
    base = winner()
    rated = RatedFinding(Finding(text, text, 0.5, 0.0, {text: text, "flag": True}, text, text), 2.0, True, (text, text))
    bad = Guarded(
        "lost", text, metric={text: text, **metric(0.5, 0.4, 0.6)}, agreement={"a": {text: text}}, drift={text: [text]}
    )
    spoilt = tuple(
        replace(
            t,
            id=f"{k}{text}",
            fixes=(Applied(text, {text: text}),) if t.fixes else (),
            tag=text,
            load=text,
            reason=text,
            outputs=bad,
        )
        for k, t in enumerate(base.trials)
    )
    summary = replace(
        base.profile,
        source=text,
        notes=(text,),
        shares={**base.profile.shares, text: 0.1},
        longest=({"name": text, "category": text, "calls": 1, "own_s": 1.0, "share": 0.5, text: text},),
    )
    place = replace(
        base.environment,
        processor=text,
        flags=(text,),
        accelerators=(text,),
        system=text,
        python=text,
        libraries={text: text},
        environment={text: text},
        floors={text: 0.5},
    )
    return replace(
        base,
        target=text,
        environment=place,
        profile=summary,
        findings=(rated,),
        trials=spoilt,
        winner=spoilt[1].id,
        command=text,
        folder=text,
        bundle=text,
        notes=(text,),
        requests={text: text},
        load=text,
    )


def all_reports() -> dict[str, Report]:
    return {
        "winner": winner(),
        "nothing-helped": nothing_helped(),
        "all-failed": all_failed(),
        "unproven": unproven(),
        "accepted-unproven": accepted_unproven(),
        "interrupted": interrupted(),
        "nothing-tried": nothing_tried(),
        "not-numbers": not_numbers(),
        "hostile": hostile(),
        "long-names": hostile(LONG),
        "empty-names": hostile(""),
    }


def hostile_profile(text: str = HOSTILE) -> Profile:
    return Profile((Span(text, "compute", 0, 1000, -1, {text: text}),), text, notes=(text,))


def comparison() -> Comparison:
    a = Side("model.onnx", 0.0248, percentiles(24.8), 40.1, 612_000_000, 49.2, 2.1)
    b = Side("model-int8.onnx", 0.0116, percentiles(11.6), 85.2, 498_000_000, 23.1, 1.2)
    return Comparison(
        a, b, Speedup(2.13, 2.05, 2.21, 0.95, 200, 8), "faster", 0.02, "latency", machine(), 7, 61.0, guarded()
    )


def failed_comparison(text: str = "It ran out of memory.") -> Comparison:
    return Comparison(Side(text), Side(text), None, "failed", 0.02, "cost", machine(), reason=text, notes=(text,))
