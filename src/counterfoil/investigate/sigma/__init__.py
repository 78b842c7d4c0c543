"""Rules of Sigma over the raw records of a case: a thin bridge. pySigma parses, the engine matches."""
