"""What unslow must reach, measured: the exhaustive search, today's tools, and a script for each bar."""
