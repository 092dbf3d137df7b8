"""Learns what a workload is by building it once, in a process of its own: facts, its requests as files, a recording."""
