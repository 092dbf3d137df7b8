"""Documents of any size: cut at the borders of their events wherever a chunk ends, times as exact as in the text."""

from __future__ import annotations

import gzip
import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unslow.core.errors import BadInput
from unslow.read import _kineto_file
from unslow.read._files import nanoseconds_in
from unslow.read._kineto_file import Event, batch_of, document

MISLEADING = 'a },{ b \\"}, {\\" [ ] ]} "traceEvents": [ c'


def events(count: int) -> list[dict[str, Any]]:
    """With text and lists that look like borders."""
    inside = {"External id": 7, "list": [{"a": 1}, {"b": [{}, {}]}], "text": MISLEADING}
    return [{"ph": "X", "name": f"{MISLEADING}{place}", "ts": place, "args": inside} for place in range(count)]


def taken(path: Path) -> tuple[list[Event], Any]:
    found: list[Event] = []
    rest = document(path, found.extend)
    return found, rest


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("order", [("before", "traceEvents", "after"), ("traceEvents",), ("after", "traceEvents")])
def test_wherever_chunks_end(
    chunk: int, indent: int | None, order: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_kineto_file, "CHUNK_BYTES", chunk)
    parts = {"before": [{"id": 0}, {"id": 1}], "traceEvents": events(23), "after": [{"id": 0}, {"x": MISLEADING}]}
    path = tmp_path / "t.json"
    path.write_text(json.dumps({key: parts[key] for key in order}, indent=indent))
    found, rest = taken(path)
    assert [event.name for event in found] == [event["name"] for event in parts["traceEvents"]]
    assert [bytes(event.ts) for event in found] == [str(place).encode() for place in range(23)]
    assert rest == {key: parts[key] if key != "traceEvents" else [] for key in order}


def test_gzipped_and_without_events(tmp_path: Path) -> None:
    path = tmp_path / "t.json.gz"
    path.write_bytes(gzip.compress(b'{"traceEvents" : [ ] , "a": 1}'))
    assert taken(path) == ([], {"traceEvents": [], "a": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"traceEvents": [{"ph": "X"}, {"ph": "X"}', "ends in the middle"),
        ('{"traceEvents": [{"ph": "X"}, {"ph": "X"}]', "no valid JSON"),
        ('{"traceEvents": [{"ph": "X"} {"ph": "X"}]}', "no valid JSON"),
        ('{"traceEvents": [{"ph": NaN}, {"ph": "X"}]}', "no valid JSON"),
        ('{"traceEvents": [5, {"ph": "X"}]}', "Expected `object`"),
        ('{"traceEvents": [{"args": 5}, {"ph": "X"}]}', "Expected `object"),
        ('{"traceEvents": null}', "no list of events"),
        ('{"schemaVersion": 1}', "no traceEvents"),
        ('{"traceEvents": [], "traceEvents": [{"ph": "X"}]}', "more than one list"),
        ('{"a": {"traceEvents": [{"ph": "X"}]}}', "more than one list"),
        ('{"traceEvents": [{"ph": ' + "[" * 100_000 + "]" * 100_000 + "}]}", "no valid JSON"),
    ],
)
def test_what_is_no_document_of_events(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(BadInput, match=message):
        taken(tmp_path / "t.json")


@pytest.mark.parametrize("place", ["before", "within", "after"])
def test_parts_without_end(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kineto_file, "CHUNK_BYTES", 100)
    monkeypatch.setattr(_kineto_file, "MOST_BYTES", 1000)
    monkeypatch.setattr(_kineto_file, "EVENT_BYTES", 1000)
    long = '"' + "x" * 5000 + '"'
    text = {
        "before": f'{{"a": {long}, "traceEvents": []}}',
        "within": f'{{"traceEvents": [{{"name": {long}}}]}}',
        "after": f'{{"traceEvents": [], "a": {long}}}',
    }
    (tmp_path / "t.json").write_text(text[place])
    with pytest.raises(BadInput, match="MB"):
        taken(tmp_path / "t.json")


@given(st.decimals(min_value=0, max_value=Decimal("9e15"), allow_nan=False, places=3))
def test_times_are_exact(us: Decimal) -> None:
    assert nanoseconds_in(f"{us:f}".encode(), "a", "ts", Path("t")) == int(us * 1000)


@given(st.integers(0, 10**15), st.text("0123456789", min_size=1, max_size=9))
def test_what_is_finer_is_rounded(whole: int, part: str) -> None:
    exact = (Decimal(f"{whole}.{part}") * 1000).to_integral_value(ROUND_HALF_UP)
    assert nanoseconds_in(f"{whole}.{part}".encode(), "a", "ts", Path("t")) == exact


@pytest.mark.parametrize("text", [b"-1", b"null", b'"1"', b"1e30", b"true", b"99999999999999999999", b"[]"])
def test_what_is_no_time(text: bytes) -> None:
    with pytest.raises(BadInput, match="whose ts is"):
        nanoseconds_in(text, "a", "ts", Path("t"))


def test_exponents_are_times() -> None:
    assert nanoseconds_in(b"1.5e3", "a", "ts", Path("t")) == 1_500_000


def test_events_that_are_read_already_keep_their_digits() -> None:
    (event,) = batch_of([{"ph": "X", "ts": Decimal("1700000000000000.123")}], Path("t"))
    assert bytes(event.ts) == b"1700000000000000.123"
