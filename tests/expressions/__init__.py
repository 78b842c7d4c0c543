"""Tests of what is written down before it is built."""
