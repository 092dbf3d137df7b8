"""PyTorch's micro-benchmarks, in a process of its own: types, modes, batches, threads, and eager operators."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from unslow.machine._graphs import SIZES
from unslow.machine._serve import THREADS, Case, cores, serve
from unslow.machine._turns import Call, best, ratios_in_turns, seconds_in_one_turn, seconds_per_call

TINY_OPERATIONS = SIZES.tiny_operations
BATCH = 16
# Long enough that, on a shared machine too, all threads of a team have their cores at once for some of the calls.
TEAM_TURN_SECONDS = 0.03
TEAM_TURNS = 7


def prepare() -> Mapping[str, Case]:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    bare: dict[str, Callable[[Any], list[float]]] = {
        "float32/float64:matmul": partial(_by_type, _products, "float32", "float64"),
        "float32/float64:elementwise": partial(_by_type, _chains, "float32", "float64"),
        "bfloat16/float32:matmul": partial(_by_type, _products, "bfloat16", "float32"),
        "bfloat16/float32:conv": partial(_by_type, _convolutions, "bfloat16", "float32"),
        "batched/single:matmul": partial(_batched, SIZES.rows, 128),
        "batched/single:vector": partial(_batched, 1, SIZES.hidden),
        "batched/single:dispatch": _batched_dispatch,
        "normal/subnormal:elementwise": _subnormal,
        "eager:elementwise": partial(_seconds, "elementwise"),
        "eager:matmul": partial(_seconds, "matmul"),
        "eager:conv": partial(_seconds, "conv"),
        "eager:dispatch": partial(_seconds, "dispatch"),
    }
    cases: dict[str, Case] = {name: partial(_without_autograd, torch, body) for name, body in bare.items()}
    cases["inference_mode/autograd:dispatch"] = partial(_inference_mode, torch)
    # Last: threads that this has started may go on spinning for a moment.
    cases["right/oversubscribed:matmul"] = partial(_without_autograd, torch, _oversubscribed)
    return cases


def _without_autograd(torch: Any, body: Callable[[Any], list[float]]) -> list[float]:
    # What autograd costs is a floor of its own, and must not count twice.
    with torch.inference_mode():
        return body(torch)


def _by_type(calls: Callable[[Any, Any], list[Call]], changed: str, original: str, torch: Any) -> list[float]:
    """The best of the sizes that `calls(torch, dtype)` gives."""
    pairs = zip(calls(torch, getattr(torch, changed)), calls(torch, getattr(torch, original)), strict=True)
    return best(*(ratios_in_turns(after, before) for after, before in pairs))


def _products(torch: Any, dtype: Any) -> list[Call]:
    """A linear layer as in a small transformer, and one of a single row, which is bound by reading the weights."""
    functional = torch.nn.functional
    weights = torch.randn(SIZES.hidden, SIZES.width, dtype=dtype)
    requests = [torch.randn(rows, SIZES.width, dtype=dtype) for rows in (SIZES.rows, 1)]
    return [partial(functional.linear, request, weights) for request in requests]


def _chains(torch: Any, dtype: Any) -> list[Call]:
    """Element-wise operators in cache, and beyond the second-level cache."""

    def chain(values: Any) -> Any:
        return torch.tanh(values * 0.5 + 1.0).exp()

    return [partial(chain, torch.randn(count, dtype=dtype)) for count in (16_384, 262_144)]


def _convolutions(torch: Any, dtype: Any) -> list[Call]:
    """A dense 3x3, and a pointwise layer after a depthwise one, both in the layout that suits reduced precision."""
    functional = torch.nn.functional

    def tensor(*shape: int) -> Any:
        return torch.randn(*shape, dtype=dtype).to(memory_format=torch.channels_last)

    side, channels = SIZES.image, SIZES.channels
    dense = partial(functional.conv2d, tensor(1, 64, 28, 28), tensor(64, 64, 3, 3), padding=1)
    image, depth, point = tensor(1, channels, side, side), tensor(channels, 1, 3, 3), tensor(24, channels, 1, 1)

    def separable() -> Any:
        return functional.conv2d(functional.conv2d(image, depth, padding=1, groups=channels), point)

    return [dense, separable]


def _batched(rows: int, columns: int, torch: Any) -> list[float]:
    """Time per request of a linear layer with this many outputs, whose request has this many rows."""
    functional = torch.nn.functional
    weights, bias = torch.randn(columns, SIZES.width), torch.randn(columns)
    many, one = torch.randn(BATCH * rows, SIZES.width), torch.randn(rows, SIZES.width)
    return ratios_in_turns(
        partial(functional.linear, many, weights, bias), partial(functional.linear, one, weights, bias), rows=BATCH
    )


def _tiny(torch: Any, values: Any, scale: Any) -> Any:
    for _ in range(TINY_OPERATIONS // 2):
        values = torch.add(torch.mul(values, scale), scale)
    return values


def _batched_dispatch(torch: Any) -> list[float]:
    scale = torch.full((8,), 0.5)
    many, one = torch.ones(BATCH, 8), torch.ones(1, 8)
    return ratios_in_turns(partial(_tiny, torch, many, scale), partial(_tiny, torch, one, scale), rows=BATCH)


def _inference_mode(torch: Any) -> list[float]:
    scale = torch.full((8,), 0.5, requires_grad=True)
    values = torch.ones(1, 8)

    def recorded() -> Any:
        return _tiny(torch, values, scale)

    def inference() -> Any:
        with torch.inference_mode():
            return _tiny(torch, values, scale)

    return ratios_in_turns(inference, recorded)


def _subnormal(torch: Any) -> list[float]:
    """Products and sums of values that stay subnormal, against the same of ordinary ones; and a matrix product."""

    def calls(size: float) -> list[Call]:
        values, out = torch.full((16_384,), size), torch.empty(16_384)
        matrix = torch.full((128, 128), size)

        def chain() -> Any:
            torch.mul(values, 0.75, out=out)
            return torch.add(out, values, out=out)

        return [chain, partial(torch.mm, matrix, torch.eye(128))]

    return best(*(ratios_in_turns(normal, tiny) for normal, tiny in zip(calls(1.0), calls(1e-40), strict=True)))


def _oversubscribed(torch: Any) -> list[float]:
    """A linear layer with as many threads as cores, against four times as many."""
    (product, _), right = _products(torch, torch.float32), cores()

    def seconds(threads: int, reduce: Callable[[Sequence[float]], float]) -> float:
        torch.set_num_threads(threads)
        product()  # starts the threads, which is not what is measured
        return seconds_per_call(product, reduce=reduce, turn_seconds=TEAM_TURN_SECONDS)

    def ratio() -> float:
        # Where other work holds some of the cores, one thread may beat one a core. And the mean of the oversubscribed
        # calls, not the shortest: what threads that wait for a core take now and then is the point.
        few = min(seconds(right, min), seconds(1, min))
        return few / seconds(4 * right, statistics.fmean)

    try:
        return [ratio() for _ in range(TEAM_TURNS)]
    finally:
        torch.set_num_threads(THREADS)


def _seconds(name: str, torch: Any) -> list[float]:
    """Seconds per call of the same network as in `_graphs`, eagerly."""
    return seconds_in_one_turn(eager(name, torch))


@cache
def eager(name: str, torch: Any) -> Call:
    """The network `name` of `_graphs.graph`, as eager operators."""
    functional = torch.nn.functional
    if name == "elementwise":
        values, scale, shift = torch.randn(SIZES.rows, SIZES.width), torch.ones(SIZES.width), torch.zeros(SIZES.width)

        def blocks() -> Any:
            x = values
            for _ in range(SIZES.blocks):
                y = torch.sigmoid(x) * x + values
                x = torch.softmax(functional.layer_norm(y, (SIZES.width,), scale, shift), -1)
            return x

        return blocks
    if name == "matmul":
        return _eager_products(torch)
    if name == "conv":
        return _eager_separable(torch)
    return partial(_tiny, torch, torch.ones(1, 8), torch.full((8,), 0.5))


def _eager_products(torch: Any) -> Call:
    rows, sides = torch.randn(SIZES.rows, SIZES.width), ((SIZES.width, SIZES.hidden), (SIZES.hidden, SIZES.width))
    # Small enough that no layer's answers become subnormal or infinite.
    layers = [(torch.randn(to, of) / of**0.5, torch.randn(to)) for of, to in sides * SIZES.layers]

    def network() -> Any:
        x = rows
        for weight, bias in layers:
            x = torch.nn.functional.linear(x, weight, bias)
        return x

    return network


def _eager_separable(torch: Any) -> Call:
    conv2d, side, channels = torch.nn.functional.conv2d, SIZES.image, SIZES.channels
    image = torch.randn(1, 24, side, side)
    widen, narrow = torch.randn(channels, 24, 1, 1), torch.randn(24, channels, 1, 1)
    depth, bias, few = torch.randn(channels, 1, 3, 3), torch.randn(channels), torch.randn(24)

    def network() -> Any:
        x = torch.relu(conv2d(image, widen, bias))
        x = torch.relu(conv2d(x, depth, bias, padding=1, groups=channels))
        return conv2d(x, narrow, few)

    return network


if __name__ == "__main__":
    serve(prepare)
