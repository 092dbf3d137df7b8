from __future__ import annotations

import subprocess
import sys

import pytest

import unslow

HEAVY = ("numpy", "torch", "onnx", "onnxruntime", "openvino", "click", "rich", "unslow.verbs", "importlib.metadata")


def imported_after(code: str) -> str:
    program = f"{code}; import sys; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_it_imports_nothing_heavy() -> None:
    assert imported_after("import unslow") == ""


def test_a_workload_file_s_own_imports_stay_light() -> None:
    assert imported_after("import unslow; unslow.workload; unslow.Inference; unslow.UnslowError") == ""


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
