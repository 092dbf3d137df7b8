"""Measures: drives processes turn by turn, and says what the turns show.

`race` and `finals` are pure statistics over pair log-ratios, `warmup` over turn times; none of them reads a clock.
"""
