"""Tests of the fixes; a package, so that the tests share the workshop and the small models."""
