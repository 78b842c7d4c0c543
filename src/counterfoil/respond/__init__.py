"""What an issuer does when a key must change or is out: rotate, block, and show who has taken notice."""
