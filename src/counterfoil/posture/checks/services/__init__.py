"""Checks of relying parties, by what they let in: the acceptance matrix."""
