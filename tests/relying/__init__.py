"""Tests of the relying party's side."""
