"""Those who run in `bench hunt`, each in a process of its own: `python -m bench.contestants.NAME LOGS OUT`.

Each reads the folder LOGS and writes to OUT the ids of the tokens that it would accuse, one a line, in the encoding of
the logs. A module says in `HOW` how it was set up, and in `PACKAGE` whose version counts. All but counterfoil answer
the question that an analyst would put to them: which token ids were accepted that no successful sign-in has? They were
given what such an analyst knows of the logs: only the fields needed, padding stripped, the null id left out.
"""
