"""Runs a framework's own profiler, or our step clock, around a workload in this process; returns a recording: a
file."""
