"""The acceptance matrix: which service lets in what, of all that test keys can sign, beside what is declared."""
