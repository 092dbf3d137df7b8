"""Running a user's script unchanged inside a spawned process: its steps found, its outputs kept apart."""
