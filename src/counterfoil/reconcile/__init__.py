"""Joins what was accepted with what was issued: links, coverage, lineage, verdicts.

Pure: expressions over tables in, tables out. The rules are numbered in docs/reference/reconciliation.md, and
the numbers stand beside the code. What needs an answer on the way (a small count, an interval) is asked of
`engine.Engine`.
"""
