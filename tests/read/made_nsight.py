"""Exports of Nsight Systems, made by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
STRINGS = [
    {"id": 1, "value": "volta_sgemm"},
    {"id": 2, "value": "cudaLaunchKernel_v7000"},
    {"id": 3, "value": "step 7"},
]
KERNEL = {"start": 100, "end": 200, "deviceId": 0, "streamId": 7, "correlationId": 9, "demangledName": 1}
COPY = {"start": 200, "end": 400, "deviceId": 0, "copyKind": 5, "srcKind": 8, "dstKind": 2, "bytes": 4096}
MEMORY = [{"id": 8, "name": "X", "label": "Pageable"}, {"id": 2, "name": "Y", "label": "Device"}]
WAYS = [{"id": 5, "name": "Z", "label": "Host-to-Device"}]
KERNELS, COPIES = "CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_MEMCPY"


def export(path: Path, tables: Tables) -> Path:
    with closing(sqlite3.connect(path)) as database:
        for table, rows in tables.items():
            columns = list(rows[0])
            database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            marks = ", ".join("?" for _ in columns)
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", [tuple(row.values()) for row in rows])
        database.commit()
    return path
