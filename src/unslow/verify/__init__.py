"""The guard: what a fix did to the outputs. Pure functions of NumPy arrays; no process, no clock, no printing.

outcome.py        what every judge hands back: a verdict, one sentence, the numbers
outputs.py        the normal form of outputs: requests × leaves, and what a metric is given of them
numeric.py        `exact` and `numeric` fixes: the output error on every request
metric.py         `lossy` fixes, with the user's metric: a paired loss with an interval
agreement.py      `lossy` fixes, without one: agreement with the original
explanations.py   drift of attributions between the original and the variant
drift.py          the same for a finalist: which requests are asked about, what the answers say
losses.py         from a paired loss to a verdict (shared by metric.py and agreement.py)
slices.py         the worst slice; the whole and its slices together (shared likewise)
resampling.py     what is drawn together: requests, groups, the members of pairs
intervals.py      quantiles and exact bounds
"""
