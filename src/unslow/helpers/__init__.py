"""Small modules that a patch may put beside a script: they import nothing of unslow, and are read in a minute."""
