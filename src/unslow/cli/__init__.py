"""The command line: one command a file, found by walking this package; a file's `COMMAND` is the command.

A file's docstring begins with the one line that `unslow --help` shows. Only here and in `report/` anything is printed.
"""
