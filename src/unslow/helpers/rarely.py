"""Calls something that writes (a checkpoint, a line of a log) at most every so often, and once more at the end.

`rarely(torch.save)(state, path)` writes when the last time at this place in the code was 30 s ago or more. What was
left out last is written when the program ends. Objects are not copied: what is written then is what they hold then.
"""

import atexit
import sys
import time
import traceback

_last = {}
_left_out = {}


def rarely(function, every_s=30.0, place=None):
    """The same function, which skips calls that follow too soon on one from the same line (or `place`)."""
    frame = sys._getframe(1)
    place = place or (frame.f_code.co_filename, frame.f_lineno)

    def call(*args, **kwargs):
        now = time.monotonic()
        if now - _last.get(place, -every_s) < every_s:
            _left_out[place] = (function, args, kwargs)
            return None
        _last[place] = now
        _left_out.pop(place, None)
        return function(*args, **kwargs)

    return call


@atexit.register
def _write_what_is_left():
    for function, args, kwargs in _left_out.values():
        try:
            function(*args, **kwargs)
        except Exception:
            traceback.print_exc()  # And the others are written all the same.
    _left_out.clear()
