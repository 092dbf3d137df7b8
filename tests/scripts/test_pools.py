"""In processes of their own: an audit hook stays for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import os, sys
import numpy
from threadpoolctl import threadpool_info
from unslow.scripts.pools import heed_environment
numpy.ones((2, 2)) @ numpy.ones((2, 2))
before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
heed_environment()
os.environ[sys.argv[1]] = sys.argv[2]
after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
print(before == after, after)
"""


def said(name: str, value: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CODE, name, value], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(("name", "value"), [("OMP_NUM_THREADS", "many"), ("OMP_NUM_THREADS", "0"), ("OTHER", "1")])
def test_what_says_no_number_of_threads(name: str, value: str) -> None:
    assert said(name, value).startswith("True")


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_numpy_s_products_get_the_threads_that_are_asked_for(name: str) -> None:
    assert said(name, "1").endswith("[1]")
