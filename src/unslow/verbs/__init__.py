"""What unslow does: one verb a file, each reads as its pipeline. No verb prints."""
