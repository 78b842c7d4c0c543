"""The estate: an issuer, a signer, two services as processes on loopback; users, attackers; the truth apart."""
