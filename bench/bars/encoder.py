"""The sentence encoder: how much faster without loss, and with int8; how long the answer takes.

    python -m bench.bars.encoder [--again]

A run of `unslow fix` with empty caches; where its best without loss does not reach the bar, one without lossy fixes.
"""

from __future__ import annotations

import argparse

from bench._common import ended
from bench._fixed import WITHOUT_LOSS, best, findings_seconds, fixed, lossy_fixes, speed_of
from bench.bars._speed import seconds_bar, speed_bar

EXAMPLE = "encoder"
LEAST_WITHOUT_LOSS, LEAST_WITH_INT8 = 2.0, 2.7
MOST_S, MOST_FINDINGS_S = 300.0, 30.0
INT8 = ("int8-dynamic", "int8-static", "weight-only-int8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fix the sentence encoder.")
    parser.add_argument("--again", action="store_true", help="run again what was run before")
    again = parser.parse_args().again
    whole = fixed(EXAMPLE, "all", again=again)
    without_loss = best(whole, WITHOUT_LOSS)
    if speed_of(without_loss) < LEAST_WITHOUT_LOSS:  # It may have been set aside for what is faster with a loss.
        exact = fixed(EXAMPLE, "without-loss", skip=lossy_fixes(), again=again)
        without_loss = max(best(exact, WITHOUT_LOSS), without_loss, key=speed_of)
    with_int8 = best(whole, ("lossy",), INT8)
    bars = [
        speed_bar("encoder-without-loss", "sentence encoder, without loss", LEAST_WITHOUT_LOSS, without_loss),
        seconds_bar("encoder-time", "`unslow fix` on the sentence encoder", MOST_S, whole.elapsed_s),
        seconds_bar(
            "encoder-findings", "profile and findings on screen", MOST_FINDINGS_S, findings_seconds(EXAMPLE, "all")
        ),
    ]
    if with_int8 is not None:
        bars.append(speed_bar("encoder-int8", "sentence encoder, int8 that is kept", LEAST_WITH_INT8, with_int8))
    ended(*bars)


if __name__ == "__main__":
    main()
