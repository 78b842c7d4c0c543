"""How a tenant is set up, as Microsoft-Extractor-Suite writes it down: states, not events. Context."""
