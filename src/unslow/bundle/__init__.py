"""The winner, saved: its artefact, a manifest with hashes, and a loader that needs the winner's own runtime only."""
