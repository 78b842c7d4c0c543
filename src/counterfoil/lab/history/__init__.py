"""History: seeded tenants of any size, their logs in the vendors' shapes, a planted intrusion, and the truth apart.

`scenarios` has ready settings; `Scenario.write` writes them; `compare` holds verdicts against the truth.
"""
