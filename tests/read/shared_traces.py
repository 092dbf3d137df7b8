"""Where the recordings of other projects lie, which tests skip without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("UNSLOW_TRACES", Path(__file__).parents[3] / "shared" / "traces"))
absent = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recordings in {FOLDER}; set UNSLOW_TRACES")
