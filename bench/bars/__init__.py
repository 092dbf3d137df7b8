"""One script a bar: each prints `bar: value (interval) pass|miss` and leaves its figures in `bench/results`."""
