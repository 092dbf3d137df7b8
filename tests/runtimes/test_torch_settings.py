"""What each setting of the torch runtimes changes, and that nothing changes without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unslow.core.calls import Request, to_numpy
from unslow.core.errors import BadInput
from unslow.core.workload import Host, Model
from unslow.runtimes import open_model

torch = pytest.importorskip("torch")
X = np.random.default_rng(0).standard_normal((2, 4)).astype("float32")


class Spy(torch.nn.Module):
    """Answers, and says how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)
        self.seen: dict[str, Any] = {}

    def forward(self, x: Any, **extra: Any) -> Any:
        y = self.linear(x) if x.dim() == 2 else x
        self.seen = {
            "inference": torch.is_inference_mode_enabled(), "training": self.training, "dtype": x.dtype,
            "inner": y.dtype, "last": x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last),
            "pointer": x.data_ptr(), "extra": extra,
        }  # fmt: skip
        return y


def called(x: Any, settings: dict[str, Any] | None = None, **kwargs: Any) -> tuple[Spy, Any]:
    spy = Spy()
    answer = open_model(Model("torch-module", settings=settings or {}), Host(), spy)(Request((x,), kwargs))
    return spy, answer


def test_without_settings_it_is_called_as_the_user_calls_it() -> None:
    spy, answer = called(torch.from_numpy(X))
    assert answer.requires_grad and spy.seen["training"] and not spy.seen["inference"]
    assert spy.seen["dtype"] is torch.float32


def test_arrays_come_in_without_a_copy() -> None:
    assert called(X)[0].seen["pointer"] == X.ctypes.data


def test_arrays_that_torch_cannot_share_are_copied() -> None:
    for awkward in (np.broadcast_to(X[0], (2, 4)), X[:, ::-1]):
        _, answer = called(awkward)
        assert answer.shape == (2, 3)


def test_other_values_pass_as_they_are() -> None:
    spy, _ = called(X, past=None, lengths=[X, 3], mode="fast")
    extra = spy.seen["extra"]
    assert extra["past"] is None and extra["mode"] == "fast"
    assert isinstance(extra["lengths"][0], torch.Tensor) and extra["lengths"][1] == 3


def test_settings_that_are_off_change_nothing() -> None:
    spy, answer = called(X, {"inference_mode": False, "eval": False, "compile": None})
    assert answer.requires_grad and spy.training


def test_a_function_has_no_mode_to_change() -> None:
    with pytest.raises(BadInput, match=r"'eval' needs a torch\.nn\.Module"):
        open_model(Model("torch-module", settings={"eval": True}), Host(), lambda x: x)


def test_an_unknown_dtype() -> None:
    with pytest.raises(BadInput, match="'int8' is unknown"):
        called(X, {"dtype": "int8"})


def test_inference_mode_and_eval() -> None:
    spy, answer = called(X, {"inference_mode": True, "eval": True})
    assert spy.seen["inference"] and not spy.seen["training"] and answer.is_inference()


def test_inference_mode_in_a_thread_of_its_own() -> None:
    from concurrent.futures import ThreadPoolExecutor

    spy = Spy()
    call = open_model(Model("torch-module", settings={"inference_mode": True}), Host(), spy)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(call, Request((X,))).result().is_inference()


def test_bfloat16_inside_float32_outside() -> None:
    spy, answer = called(X, {"dtype": "bfloat16"})
    assert spy.seen["dtype"] is torch.bfloat16 and answer.dtype is torch.float32
    expected = spy.float()(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(to_numpy(answer), expected, atol=0.05)


def test_the_originals_dtypes_come_back() -> None:
    _, answer = called(X, {"dtype": "float32", "output_dtypes": ["float64"]})
    assert answer.dtype is torch.float64


def test_integers_are_not_cast() -> None:
    numbers = np.ones((1, 2, 3), "int64")
    spy, answer = called(numbers, {"dtype": "bfloat16"})
    assert spy.seen["dtype"] is torch.int64 and answer.dtype is torch.int64


def test_answers_in_a_structure_are_cast_leaf_by_leaf() -> None:
    class Two(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"first": x, "rest": (x.sum(), x > 0)}

    settings = {"dtype": "bfloat16", "output_dtypes": ["float64", "float32", "bool"]}
    answer = open_model(Model("torch-module", settings=settings), Host(), Two())(Request((X,)))
    assert answer["first"].dtype is torch.float64
    assert [leaf.dtype for leaf in answer["rest"]] == [torch.float32, torch.bool]


def test_autocast() -> None:
    spy, answer = called(X, {"autocast": "bfloat16"})
    assert spy.seen["dtype"] is torch.float32 and spy.seen["inner"] is torch.bfloat16 and answer.dtype is torch.float32


def test_channels_last_reaches_images_only() -> None:
    image = np.zeros((1, 3, 4, 4), "float32")
    assert called(image, {"memory_format": "channels_last"})[0].seen["last"]
    assert not called(image)[0].seen["last"]
    assert called(X, {"memory_format": "channels_last"})[1].shape == (2, 3)


def test_threads() -> None:
    before = torch.get_num_threads()
    try:
        open_model(Model("torch-module"), Host(threads=1), Spy())
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_compiled_and_frozen_answers_alike_and_leaves_the_option_alone() -> None:
    config: Any = pytest.importorskip("torch._inductor.config")
    settings = {
        "inference_mode": True, "eval": True, "compile": {"mode": None, "dynamic": None, "freezing": True},
    }  # fmt: skip
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    expected = module(torch.from_numpy(X)).detach().numpy()
    answer = open_model(Model("torch-module", settings=settings), Host(), module)(Request((X,)))
    np.testing.assert_allclose(to_numpy(answer), expected, rtol=1e-5, atol=1e-6)
    assert not config.freezing
