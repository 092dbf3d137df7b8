"""The nouns: frozen dataclasses and what belongs to them. Imports nothing else of unslow."""
