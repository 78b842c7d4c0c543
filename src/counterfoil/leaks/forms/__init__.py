"""The written forms of a private key: each module knows the marks of some, and reads what stands there.

A form returns what it found as `Found`; whether that is a key, `private.prove` decides.
"""
