"""Log shapes: how to recognise each, its raw schema, and how it maps to evidence.

One source is one module of this folder that holds a `SOURCE` (or several `SOURCES`, where one log comes
in several wrappers). `registry` finds them; nothing else changes when one is added.
"""
