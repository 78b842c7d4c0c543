"""Private keys and live tokens in dumps, logs and archives, found by the public keys alone.

`scan.scan` is the way in. A kernel (compiled C, or NumPy where there is no compiler) finds candidates; everything is
proven before it is called a known key. No part of a secret is kept in a finding, a message or a file.
"""
