"""Several who put something around the same function: in which order, and whom it costs what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from unslow.scripts.layers import outermost_only, put_around


@dataclass
class Switched:
    """Keeps what it is asked."""

    name: str
    on: bool = True
    told: list[str] = field(default_factory=list[str])

    def around(self, call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.told.append(f"{self.name} {args} {kwargs}")
        return f"{self.name}({call()})"


def library() -> Any:
    def f(a: int, b: int = 2) -> str:
        """Adds."""
        return f"{a}+{b}"

    return SimpleNamespace(f=f)


def test_without_any_that_is_on_the_function_alone_is_called() -> None:
    module, one = library(), Switched("one", on=False)
    put_around(module, "f", one.around, one)
    assert module.f(1, b=3) == "1+3" and not one.told
    assert module.f.__name__ == "f" and module.f.__doc__ == "Adds."


def test_the_one_that_came_last_is_outermost_and_all_share_one_wrapper() -> None:
    module, inner, outer = library(), Switched("inner"), Switched("outer")
    put_around(module, "f", inner.around, inner)
    wrapper = module.f
    put_around(module, "f", outer.around, outer)
    assert module.f is wrapper
    assert module.f(1, b=3) == "outer(inner(1+3))"
    assert inner.told == ["inner (1,) {'b': 3}"] and outer.told == ["outer (1,) {'b': 3}"]


def test_one_that_is_off_is_passed_by() -> None:
    module, inner, outer = library(), Switched("inner"), Switched("outer")
    put_around(module, "f", inner.around, inner)
    put_around(module, "f", outer.around, outer)
    outer.on = False
    assert module.f(1) == "inner(1+2)"
    outer.on, inner.on = True, False
    assert module.f(1) == "outer(1+2)"


def test_what_somebody_else_has_put_around_it_meanwhile_stays() -> None:
    module, one, two = library(), Switched("one"), Switched("two")
    put_around(module, "f", one.around, one)
    ours = module.f

    def other(a: int) -> str:
        return f"other({ours(a)})"

    module.f = other
    put_around(module, "f", two.around, two)
    assert module.f(1) == "two(other(one(1+2)))"


def test_a_method_that_is_inherited_is_not_changed_in_its_base() -> None:
    class Base:
        def f(self) -> str:
            return "base"

    class Derived(Base):
        pass

    one, two = Switched("one"), Switched("two")
    put_around(Base, "f", one.around, one)
    put_around(Derived, "f", two.around, two)
    assert Derived().f() == "two(one(base))" and Base().f() == "one(base)"


def test_an_error_comes_through() -> None:
    module, one = library(), Switched("one")
    put_around(module, "f", one.around, one)
    with pytest.raises(TypeError):
        module.f()


class Nested:
    """Calls itself, as a module calls others."""

    def f(self, depth: int) -> str:
        if depth < 0:
            raise ValueError
        return f"{depth}{self.f(depth - 1) if depth else ''}"


@pytest.fixture
def nested() -> type:
    return type("Nested", (), {"f": Nested.f})


def test_of_what_calls_itself_the_outermost_call_alone_is_told(nested: Any) -> None:
    one = Switched("one")
    put_around(nested, "f", one.around, one, outermost_only)
    assert nested().f(2) == "one(210)"
    assert nested().f(1) == "one(10)"


def test_after_an_error_the_next_call_is_the_outermost_again(nested: Any) -> None:
    one = Switched("one")
    put_around(nested, "f", one.around, one, outermost_only)
    with pytest.raises(ValueError):
        nested().f(-1)
    assert nested().f(0) == "one(0)"


def test_where_nobody_is_on_a_call_is_not_within_another(nested: Any) -> None:
    one, two = Switched("one", on=False), Switched("two")
    put_around(nested, "f", one.around, one, outermost_only)
    put_around(nested, "f", two.around, two, outermost_only)
    two.on = False
    assert nested().f(1) == "10"
    two.on = True
    assert nested().f(1) == "two(10)"
