"""The page that lies in a bundle: what it is, how to load it, what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unslow.bundle.manifest import Manifest
from unslow.runtimes import runtime_of


def readme(manifest: Manifest, folder: Path) -> str:
    """Markdown, ending with a newline."""
    parts = [_title(manifest), _loading(manifest, folder), _inputs(manifest), _needs(manifest), *manifest.notes]
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(manifest: Manifest) -> str:
    fixes = ", ".join(map(str, manifest.fixes)) or "none: the model as it was"
    lines = [f"From: `{manifest.target}`", f"Fixes: {fixes}", f"Runtime: {manifest.model.runtime}"]
    if "machine" in manifest.measured:
        lines.append(f"Measured: {_measured(manifest.measured)}")
    return "# A model that `unslow fix` made faster\n\n" + "  \n".join(lines)


def _measured(measured: Mapping[str, Any]) -> str:
    speed = measured["speedup"]
    shown = f"{speed['point']:.2f}× ({speed['low']:.2f} to {speed['high']:.2f}) in {measured['objective']}"
    place = measured["machine"]
    return (
        f"{shown}, outputs {measured['outputs']}, against `{measured['against']}`, on {measured['date'][:10]} on "
        f"{place['cores']} cores of {place['processor']}"
    )


def _loading(manifest: Manifest, folder: Path) -> str:
    names = ", ".join(leaf.name for leaf in manifest.inputs) or "..."
    trust = ", trust=True" if manifest.needs_trust else ""
    lines = [
        "```python",
        "import unslow",
        f'model = unslow.load("{folder.name}"{trust})',
        f"answer = model({names})",
        "answers = model.answer_many(requests)  # batched and in parallel, as it was measured",
        "```",
    ]
    return "\n".join(lines)


def _inputs(manifest: Manifest) -> str:
    rows = [f"| {leaf.name} | {leaf.dtype} | {_shape(manifest, index)} |" for index, leaf in enumerate(manifest.inputs)]
    return "\n".join(["| input | dtype | shape |", "| --- | --- | --- |", *rows]) if rows else ""


def _shape(manifest: Manifest, index: int) -> str:
    leaf = manifest.inputs[index]
    free = manifest.free_axes.get(leaf.name, ())
    shape = leaf.shapes[0][0] if leaf.shapes else ()
    return ", ".join("any" if axis in free else str(length) for axis, length in enumerate(shape)) or "scalar"


def _needs(manifest: Manifest) -> str:
    versions = ", ".join(f"{name} {version}".strip() for name, version in manifest.libraries.items())
    extra = runtime_of(manifest.model.runtime).extra
    command = f"pip install 'unslow[{extra}]'" if extra else "pip install unslow"
    lines = [f"Made with: {versions}. To install what it needs: `{command}`."]
    variables = " ".join(f"{name}={value}" for name, value in manifest.host.environment.items())
    if variables:
        lines.append(f"Measured with these variables set before Python starts: `{variables}`.")
    if manifest.native_code:
        lines.append(f"Holds machine code for a processor like {manifest.processor}; others are refused.")
    if manifest.recipe is not None:
        lines.append(f"Holds no model: it is built by `{manifest.recipe.target}`, which must be there, unchanged.")
    if manifest.needs_trust:
        lines.append("Loading it can run code, hence `trust=True`: load it only if you trust whoever wrote it.")
    lines.append("The hashes in manifest.json show damage, not origin.")
    return "\n".join(lines)
