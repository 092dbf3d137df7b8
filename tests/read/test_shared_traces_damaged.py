"""Real recordings, cut off and with bytes that have flipped: a clear error, or a profile that sums to its steps."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared_traces import FOLDER, absent
from unslow.core.errors import UnslowError
from unslow.core.finding import Evidence
from unslow.habits import diagnose
from unslow.read import facts_of, read
from unslow.verbs._recorded import ELSEWHERE

CUTS, FLIPS = 20, 200
NAMES = (
    "kineto_resnet50_nw0.json.gz",
    "kineto_resnet50_nw4.json.gz",
    "nsysai_h100_2gpu_offload.sqlite",
    "tf_bert_gpu_multiworker.xplane.pb",
    "tracelens_h100_falconsai_vit.json.gz",
)
UNPACKED = tuple(name for name in NAMES if name.endswith(".gz"))

pytestmark = [absent, pytest.mark.slow, pytest.mark.timeout(1800)]


def looked_at(path: Path) -> bool:
    """Whether there is an answer; raises only what tells the user what is wrong, in two lines."""
    try:
        profile = read(path).self_check()
        diagnose(Evidence(profile, facts_of(profile), ELSEWHERE))
        return True
    except UnslowError as error:
        assert error.what and error.todo and "\n" not in error.what + error.todo
        return False


def cuts(whole: bytes, chosen: random.Random) -> Iterator[bytes]:
    for _ in range(CUTS):
        yield whole[: chosen.randrange(len(whole))]


def flips(whole: bytes, chosen: random.Random) -> Iterator[bytes]:
    """One bit each."""
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[chosen.randrange(len(damaged))] ^= 1 << chosen.randrange(8)
        yield bytes(damaged)


@pytest.mark.parametrize("damage", [cuts, flips])
@pytest.mark.parametrize("name", NAMES)
def test_as_it_lies_on_the_disk(
    name: str, damage: Callable[[bytes, random.Random], Iterator[bytes]], tmp_path: Path
) -> None:
    for damaged in damage((FOLDER / name).read_bytes(), random.Random(f"{name} {damage.__name__}")):
        (tmp_path / "damaged").write_bytes(damaged)
        looked_at(tmp_path / "damaged")


@pytest.mark.parametrize("damage", [cuts, flips])
@pytest.mark.parametrize("name", UNPACKED)
def test_the_text_within(name: str, damage: Callable[[bytes, random.Random], Iterator[bytes]], tmp_path: Path) -> None:
    whole = gzip.decompress((FOLDER / name).read_bytes())
    answers = 0
    for damaged in damage(whole, random.Random(f"{name} {damage.__name__} within")):
        (tmp_path / "damaged").write_bytes(damaged)
        answers += looked_at(tmp_path / "damaged")
    # A flip in what JSON itself is made of is an error; most of a file may be that.
    assert answers >= FLIPS // 5 if damage is flips else answers == 0
