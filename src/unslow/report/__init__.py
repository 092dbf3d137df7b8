"""What a run leaves for people and for other programs: the terminal, the page, JSON, a timeline for Perfetto."""
