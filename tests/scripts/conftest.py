from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from unslow.scripts import sites


@pytest.fixture
def own_folder() -> Iterator[None]:
    """This folder is the user's own."""
    before = sites._root
    sites.set_root(str(Path(__file__).parent))
    yield
    sites._root = before
