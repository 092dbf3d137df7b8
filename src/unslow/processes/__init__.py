"""Processes that build and answer: started, asked, suspended between turns, ended.

They carry ids and parameters, never live objects.
"""
