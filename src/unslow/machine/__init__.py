"""What of this machine matters for speed: its facts, and floors that small benchmarks show."""
