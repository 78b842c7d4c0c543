"""counterfoil finds forged security tokens by joining what was accepted with what was issued."""

__version__ = "0.1.0"
