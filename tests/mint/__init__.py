"""Tests of minting with counterfoils."""
