"""Benchmarks: `python -m bench` lists them. Each names input, seed and rivals, and compares as ratios in one run."""
