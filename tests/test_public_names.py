from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import pytest

import unslow

HEAVY = (
    "numpy",
    "msgspec",
    "torch",
    "onnx",
    "onnxruntime",
    "openvino",
    "click",
    "rich",
    "unslow.verbs",
    "importlib.metadata",
)


def imported_after(code: str) -> str:
    program = f"{code}; import sys; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_it_imports_nothing_heavy() -> None:
    assert imported_after("import unslow") == ""


def test_a_workload_file_s_own_imports_stay_light() -> None:
    assert imported_after("import unslow; unslow.workload; unslow.Inference; unslow.UnslowError") == ""


def test_options_bring_nothing_heavy() -> None:
    assert imported_after("import unslow; unslow.Options(); unslow.Report; unslow.Comparison; unslow.Profile") == ""


@pytest.mark.parametrize("verb", [unslow.fix, unslow.profile, unslow.diagnose, unslow.compare])
def test_every_verb_takes_what_the_command_line_takes(verb: Any) -> None:
    parameters = inspect.signature(verb).parameters
    assert {"inputs", "shapes", "trust", "options"} <= parameters.keys()
    assert verb.__doc__


@pytest.mark.parametrize("noun", [unslow.Report, unslow.Comparison, unslow.Profile])
def test_every_result_prints_well_in_a_terminal_and_a_notebook(noun: Any) -> None:
    assert "_repr_html_" in vars(noun) and "__str__" in vars(noun)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = unslow.nothing  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("name", unslow.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert name in dir(unslow)
    assert getattr(unslow, name) is getattr(unslow, name)


def test_the_version_is_the_installed_one() -> None:
    from importlib.metadata import version

    assert unslow.__version__ == version("unslow")
