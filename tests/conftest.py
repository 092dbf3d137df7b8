"""Makes the helpers beside the tests importable by their own names; test files may share a name across folders."""

from __future__ import annotations

import sys
from pathlib import Path

# Appended, so that nothing here can stand in for a library.
sys.path += [str(folder) for folder in sorted(Path(__file__).parent.iterdir()) if folder.is_dir()]
