"""unslow finds out why a model or a training script is slow, fixes it, and proves the fix.

The public names are listed here and loaded when they are first used (PEP 562): `import unslow` imports no framework, no
NumPy and no optional library. ::

    import unslow

    report = unslow.fix(model, inputs, metric=accuracy, labels=labels)
    fast = unslow.load(report.bundle)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unslow.bundle.load import load
    from unslow.core.comparison import Comparison
    from unslow.core.errors import UnslowError
    from unslow.core.estimate import Estimate
    from unslow.core.finding import Finding
    from unslow.core.options import Options
    from unslow.core.profile import Profile
    from unslow.core.step import step
    from unslow.core.trial import Report
    from unslow.core.workload import Inference, workload
    from unslow.verbs.compare import compare
    from unslow.verbs.diagnose import diagnose
    from unslow.verbs.fix import fix
    from unslow.verbs.profile import profile

    __version__: str

__all__ = [
    "Comparison",
    "Estimate",
    "Finding",
    "Inference",
    "Options",
    "Profile",
    "Report",
    "UnslowError",
    "__version__",
    "compare",
    "diagnose",
    "fix",
    "load",
    "profile",
    "step",
    "workload",
]

_HOMES = {
    "Comparison": "unslow.core.comparison",
    "Estimate": "unslow.core.estimate",
    "Finding": "unslow.core.finding",
    "Inference": "unslow.core.workload",
    "Options": "unslow.core.options",
    "Profile": "unslow.core.profile",
    "Report": "unslow.core.trial",
    "UnslowError": "unslow.core.errors",
    "compare": "unslow.verbs.compare",
    "diagnose": "unslow.verbs.diagnose",
    "fix": "unslow.verbs.fix",
    "load": "unslow.bundle.load",
    "profile": "unslow.verbs.profile",
    "step": "unslow.core.step",
    "workload": "unslow.core.workload",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = importlib.import_module("importlib.metadata").version("unslow")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'unslow' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
