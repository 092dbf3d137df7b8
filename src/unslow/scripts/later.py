"""A number that lies on a device still: added up there, and asked for when it is used in any other way."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, final


@final
class Later:
    """Stands for the number that a tensor holds; sums and products with numbers stand for theirs.

    All else (a comparison, a quotient, `print`) asks for the number and goes on with it.
    """

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    @property
    def number(self) -> Any:
        return self._tensor.item()

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    def __radd__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    def __rmul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    def _with(self, other: Any, operation: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, Later):
            return Later(operation(self._tensor, other._tensor))
        return Later(operation(self._tensor, other)) if isinstance(other, (int, float)) else NotImplemented

    def __getattr__(self, name: str) -> Any:
        return getattr(self.number, name)

    def __str__(self) -> str:
        return str(self.number)

    def __repr__(self) -> str:
        return repr(self.number)

    def __format__(self, spec: str) -> str:
        return format(self.number, spec)

    def __hash__(self) -> int:
        return hash(self.number)


def _asking(name: str) -> Callable[..., Any]:
    """The number's own method of that name."""

    def method(self: Later, *others: Any) -> Any:
        numbers = [other.number if isinstance(other, Later) else other for other in others]
        return getattr(self.number, name)(*numbers)

    return method


for _name in (
    "sub", "rsub", "truediv", "rtruediv", "floordiv", "rfloordiv", "mod", "rmod", "divmod", "rdivmod", "pow", "rpow",
    "neg", "pos", "abs", "lt", "le", "eq", "ne", "gt", "ge", "bool", "int", "float", "round", "trunc", "floor", "ceil",
):  # fmt: skip
    setattr(Later, f"__{_name}__", _asking(f"__{_name}__"))
