"""What counterfoil itself writes down, and the log that any issuer can write in its form."""
