"""Texts inside of texts: what Base64, lists of bytes, UTF-16 and gzip hold, to be scanned like the file itself.

So each form of a key is written down once, and found in whatever it is wrapped into, up to `MOST_DEPTH` times over.
"""
