"""What to try next: the variants that can be built from what is known, and the order that pays best."""
