from __future__ import annotations

import pytest

from handmade import EMPTY, Op, evidence, facts, found, gpu_model, machine, model, op, phase, script, step, the
from unslow.core.profile import Profile
from unslow.habits.uncompiled_graph import HABIT

FLOORS = {
    "graph/eager:dispatch": 0.2,
    "graph/eager:elementwise": 0.3,
    "graph/eager:matmul": 0.9,
    "graph/eager:conv": 0.5,
}
FLOORED = machine(floors=FLOORS)
EAGER = step(op("aten::addmm", 40), op("aten::relu", 20), op("aten::native_layer_norm", 10))


def nodes(*types: str) -> Profile:
    """An ONNX graph in the order in which its nodes ran."""
    each: list[Op] = [op(f"/{place}_kernel_time", 5, op=kind) for place, kind in enumerate(types)]
    return step(*each, source="onnxruntime")


def test_a_compiled_model_is_left_alone() -> None:
    region = op("Torch-Compiled Region: 0/0", 80, category="framework", calls=[op("CompiledFxGraph x", 70)])
    assert not found(HABIT, evidence(step(region), on=FLOORED), evidence(step(op("cpp_fused_relu_0", 80)), on=FLOORED))
    assert not found(HABIT, evidence(EMPTY, facts(modules={"OptimizedModule": 1})))


def test_a_plain_function_has_no_graph() -> None:
    assert not found(HABIT, evidence(EAGER, facts("function"), FLOORED))


def test_an_optimised_onnx_graph_is_left_alone() -> None:
    optimised = nodes("Reshape", "Gemm", "FusedMatMul", "Softmax", "FusedMatMul", "SkipLayerNormalization")
    assert not found(HABIT, evidence(optimised, facts("onnx"), FLOORED))


def test_adding_a_mask_to_scores_is_no_bias() -> None:
    masked = nodes("Gemm", "MatMul", "Add", "Softmax", "MatMul", "Transpose", "MatMul", "Mul", "Conv", "Relu")
    assert not found(HABIT, evidence(masked, facts("onnx"), FLOORED))


def test_each_kind_has_its_floor() -> None:
    finding = the(HABIT, evidence(EAGER, facts(dispatch_seconds=2e-6), FLOORED))
    assert finding.share == pytest.approx(1.0)
    starting, elementwise, products = 0.3 + 0.06, 0.18 + 0.08, 0.38
    assert finding.floor == pytest.approx(starting * 0.2 + elementwise * 0.3 + products * 0.9)
    assert finding.evidence["elementwise_share"] == pytest.approx(elementwise)
    assert finding.evidence["operators_per_request"] == 3


@pytest.mark.parametrize(("count", "floor"), [(8, 0.6), (9, 0.2)])
def test_long_chains_leave_little_but_their_arithmetic(count: int, floor: float) -> None:
    eager = machine(floors={"graph/eager:dispatch": 0.2, "graph/eager:elementwise": 0.6})
    chain = step(*[op("aten::mul", 100 / count)] * count)
    assert the(HABIT, evidence(chain, facts("torch"), eager)).floor == pytest.approx(floor, abs=0.01)
    broken = [*[op("aten::mul", 5)] * 8, op("aten::sum", 20), *[op("aten::mul", 5)] * 8]
    assert the(HABIT, evidence(step(*broken), facts("torch"), eager)).floor == pytest.approx(0.6)


def test_attention_that_is_written_out_is_another_habits() -> None:
    def product(*shapes: list[int]) -> Op:
        return op("aten::bmm", 20, "", dtypes=["float32", "float32"], shapes=list(shapes))

    scores = product([8, 64, 16], [8, 16, 64]), op("aten::_softmax", 20, shape=(2, 4, 64, 64))
    used = product([8, 64, 64], [8, 64, 16]), op("aten::relu", 20)
    finding = the(HABIT, evidence(step(*scores, *used), on=FLOORED))
    assert finding.evidence["matmul_share"] == 0 and finding.evidence["elementwise_share"] == pytest.approx(0.2)


def test_products_of_imitated_numbers_compile_to_the_same() -> None:
    short = step(op("aten::mkldnn_convolution", 60, "bfloat16"), op("aten::relu", 20, "bfloat16"))
    imitating = machine(floors={**FLOORS, "bfloat16/float32:conv": 8.0})
    assert the(HABIT, evidence(short, on=imitating)).evidence["conv_share"] == 0
    assert the(HABIT, evidence(short, on=FLOORED)).evidence["conv_share"] == pytest.approx(0.6)


def test_products_of_float64_compile_to_the_same() -> None:
    doubles = step(op("aten::addmm", 60, "float64"), op("aten::relu", 20, "float64"))
    numbers = the(HABIT, evidence(doubles, on=FLOORED)).evidence
    assert numbers["matmul_share"] == 0 and numbers["elementwise_share"] == pytest.approx(0.2)


def test_what_compiles_to_something_slower_may_stay_as_it_is() -> None:
    convolution = step(op("aten::mkldnn_convolution", 100))
    assert the(HABIT, evidence(convolution, on=machine(floors={"graph/eager:conv": 1.5}))).ceiling == 1


def test_operators_that_nobody_knows_are_not_at_stake() -> None:
    unknown = step(op("mine::solve", 60), op("aten::relu", 10))
    assert the(HABIT, evidence(unknown, on=FLOORED)).share == pytest.approx(0.4)


def test_is_unbounded_where_a_kind_was_not_measured() -> None:
    assert the(HABIT, evidence(EAGER, on=machine(floors={"graph/eager:dispatch": 0.2}))).ceiling is None


def test_a_recording_without_shares_does_not_show_whether_a_graph_was_compiled() -> None:
    assert not found(
        HABIT, evidence(EMPTY, facts("torch", modules={})), evidence(EMPTY, facts("tensorflow", modules={}))
    )


def test_the_fact_alone_is_enough() -> None:
    assert the(HABIT, evidence(EMPTY, facts("exported"), FLOORED)).ceiling is None


def test_an_onnx_graph_with_separate_batch_norms_runs_unoptimised() -> None:
    finding = the(HABIT, evidence(nodes("Conv", "Identity", "BatchNormalization", "Relu"), facts("onnx"), FLOORED))
    assert finding.ceiling is None
    assert finding.evidence["conv_then_batch_norm_pairs"] == 1


def test_an_onnx_graph_with_separate_biases_runs_unoptimised() -> None:
    plain = nodes("MatMul", "Add", "MatMul", "Softmax", "MatMul", "MatMul", "Identity", "Add", "Relu", "MatMul", "Add")
    finding = the(HABIT, evidence(plain, facts("onnx"), FLOORED))
    assert (finding.evidence["matmul_then_add_pairs"], finding.evidence["matmul_nodes"]) == (3, 5)


class TestOfAScript:
    STEP = step(
        phase("data", 20, "data"),
        phase("forward", 30, calls=(op("relu", 10, op="aten::relu"), op("mm", 10, op="aten::mm"))),
        phase("backward", 30, calls=(op("mm", 30, op="aten::mm"),)),
        phase("optimizer", 20, calls=(op("mul", 20, op="aten::mul"),)),
        source="script",
    )

    def test_no_model_or_one_that_is_compiled(self) -> None:
        assert not found(HABIT, evidence(self.STEP, script()))
        assert not found(HABIT, evidence(self.STEP, script(noted=(model(compiled=True),))))

    def test_what_the_passes_could_join_is_at_stake_not_their_products_nor_the_optimizer(self) -> None:
        floors = {"graph/eager:dispatch": 0.0, "graph/eager:elementwise": 0.5, "graph/eager:matmul": 1.0}
        finding = the(HABIT, evidence(self.STEP, script(noted=(model(),)), machine(floors=floors)))
        assert finding.share == pytest.approx(0.2) and finding.site == "train.py:3"
        assert finding.evidence["dispatch_share"] == pytest.approx(0.1)
        assert finding.floor == pytest.approx(0.1 * 0.5 / 0.2)

    def test_without_operators_or_on_a_gpu_both_passes_are(self) -> None:
        phases = step(phase("forward", 20), phase("backward", 40), source="script")
        for finding in found(
            HABIT,
            evidence(phases, script(noted=(model(),))),
            evidence(self.STEP, script(noted=(gpu_model(),))),
        ):
            assert finding.share == pytest.approx(0.6) and finding.floor is None
