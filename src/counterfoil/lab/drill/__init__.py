"""The drill: a stolen key, relying parties of every kind, and the response to it, measured."""
