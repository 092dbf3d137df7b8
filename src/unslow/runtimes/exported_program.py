"""A `torch.export` `.pt2` file as the target itself, called as a newcomer calls it: `torch.export.load(path).module()`.

Settings: as of torch-module. Whether dropout is on was fixed by the export, so `eval` changes nothing.
"""

from __future__ import annotations

from typing import Any

from unslow.core.runtime import Call, Runtime
from unslow.core.workload import Host, Model
from unslow.runtimes.torch_module import open_exported


def open_exported_program(model: Model, host: Host, live: Any) -> Call:
    """Calls the program's module; tensors come out."""
    return open_exported(model, host)


RUNTIME = Runtime("exported-program", open_exported_program, extra="torch", libraries=("torch",))
