"""One file, one fix: a pure function from a workload to a workload, with its documentation, its search space and its
risk.

A fix is found by walking this package (`unslow.core.discover`); adding one is one file here and one test. Files that
begin with an underscore hold what several fixes share. Libraries are imported inside functions only: listing the
fixes is cheap.
"""

from __future__ import annotations

from unslow.core.discover import plugins
from unslow.core.variant import Fix


def all_fixes() -> dict[str, Fix]:
    """Every fix by its name, sorted by file.

    Raises
    ------
    BadPlugin
        A file of this package holds no fix, or one of another name.
    """
    return plugins("unslow.fixes", "FIX", Fix)


def fixes_for(framework: str) -> dict[str, Fix]:
    """Those that may be of use to a workload of this framework (`Facts.framework`): to a script, or to a model."""
    is_script = framework == "script"
    return {
        name: fix
        for name, fix in all_fixes().items()
        if (is_script and "script" in fix.runtimes) or (not is_script and fix.runtimes - {"script"})
    }
