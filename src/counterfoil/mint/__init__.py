"""Minting with counterfoils: policy, signature from custody, and a durable record before a token leaves."""
