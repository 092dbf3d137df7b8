"""What runs inside a spawned process: takes jobs from a socket, one at a time, and answers in plain JSON."""
