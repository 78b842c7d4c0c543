"""Rules over what was done at key stores. One rule is one module of this folder that holds a `KEY_RULE`.

They look at `activity`: who did what with which key, hour by hour (`activity`). What they find is told of a person,
a process and a key, beside what is normal there; none of it convicts.
"""
