"""What unslow must reach, measured: the exhaustive search, the tools that people use today, and a script for each bar."""
