from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from unslow.helpers.channels_last import channels_last  # noqa: E402


def is_laid_out(tensor: Any) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 3)
        self.seen: list[bool] = []

    def forward(self, images: Any, scale: Any = 1, mask: Any = None) -> Any:
        self.seen += [is_laid_out(images), mask is not None and is_laid_out(mask)]
        return self.layer(images) * scale


def test_weights_and_images_are_laid_out_and_the_answer_is_the_same() -> None:
    net, images = Net(), torch.randn(2, 3, 8, 8)
    weight, before = net.layer.weight, net(images)
    net.seen.clear()
    after = channels_last(net)(images, 1, mask=torch.zeros(2, 3, 8, 8))
    assert net.seen == [True, True] and is_laid_out(net.layer.weight)
    assert net.layer.weight is weight  # which an optimizer may hold
    assert torch.allclose(before, after, atol=1e-5)


def test_what_is_no_image_is_left() -> None:
    rows = torch.ones(2, 3)
    assert channels_last(torch.nn.Identity())(rows) is rows


def test_a_function_around_a_model() -> None:
    net = Net()
    channels_last(torch.autocast("cpu", torch.bfloat16)(net))(torch.randn(2, 3, 8, 8))
    channels_last(channels_last(net))(torch.randn(2, 3, 8, 8))
    assert net.seen == [True, False, True, False] and is_laid_out(net.layer.weight)
