"""Keeps the copy of a tensor on another device: `kept_copy(weights.to)(device)` copies again only where it must.

That is where the tensor holds other numbers than before, or where its copy was changed in place.
"""

import sys

MOST_KEPT = 16
_kept = {}


def kept_copy(copy, place=None):
    """The method of a tensor (`tensor.to`, `tensor.cuda`), which keeps its last copy for each line (or `place`)."""
    frame = sys._getframe(1)
    place = place or (frame.f_code.co_filename, frame.f_lineno)

    def call(*args, **kwargs):
        source = copy.__self__
        if source.requires_grad or source.device.type != "cpu" or source.layout != _torch().strided:
            return copy(*args, **kwargs)
        key = (place, repr(args), repr(kwargs))
        before = _kept.get(key)
        if before is not None:
            snapshot, kept, version = before
            if _is_same(source, snapshot) and kept._version == version:
                return kept
        made = copy(*args, **kwargs)
        if (
            not made.is_inference() and made is not source
        ):  # Of an inference tensor nobody knows whether it was changed.
            while len(_kept) >= MOST_KEPT and key not in _kept:
                del _kept[next(iter(_kept))]
            _kept[key] = (source.detach().clone(), made, made._version)
        return made

    return call


def _is_same(source, snapshot):
    """To the bit, and in the same layout."""
    if (source.shape, source.dtype, source.stride()) != (snapshot.shape, snapshot.dtype, snapshot.stride()):
        return False
    return bool(_torch().equal(_bits(source), _bits(snapshot)))


def _bits(tensor):
    return tensor.detach().contiguous().reshape(-1).view(_torch().uint8)


def _torch():
    return sys.modules["torch"]
