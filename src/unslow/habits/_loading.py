"""Which spans load models: by category, by the names of frameworks' loading functions, by the sampled Python stack."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from unslow.core.profile import Profile, Span

_LOADERS = (
    "inferencesession", "inference_session", "from_pretrained", "load_model", "load_state_dict", "load_weights",
    "read_model", "compile_model", "load_file", "unpickl", "load_saved_model", "torch.load", "jit.load", "joblib.load",
)  # fmt: skip

_LOADING_FILES = ("torch/serialization.py", "joblib/numpy_pickle.py")


def is_loading(span: Span) -> bool:
    """Whether the time of the span goes to opening files and models, by its category, its name or its Python stack."""
    return span.category in ("setup", "io") or _loads(span.name) or any(map(_loads, _frames(span)))


def _loads(where: str) -> bool:
    """Whether "file.py:12 function", or a function alone, is one that loads models."""
    place, _, function = where.lower().rpartition(" ")
    file = place.rpartition(":")[0]
    return file.endswith(_LOADING_FILES) or any(loader in function for loader in _LOADERS)


def _frames(span: Span) -> Sequence[str]:
    """The sampled Python stack, "file.py:12 function" each, outermost first; empty where there is none."""
    return span.details.get("stack") or ()


def calling_line(profile: Profile) -> str:
    """Where the user's code calls what loads the model: "file.py:12"; "" where the recording does not say."""
    for span in profile.spans:
        frames = _frames(span)
        for caller, called in pairwise(frames):
            if _loads(called):
                return caller.rpartition(" ")[0]
        if not frames and span.details.get("file") and is_loading(span):
            return f"{span.details['file']}:{span.details.get('line') or 1}"
    return ""
