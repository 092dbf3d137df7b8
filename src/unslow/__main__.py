"""`python -m unslow`: the command, of the environment whose Python is called."""

from __future__ import annotations

import sys

from unslow.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
