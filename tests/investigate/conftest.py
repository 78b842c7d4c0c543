"""The demonstration's case, as the tests of the pipeline have it."""

from pipeline.conftest import demo

__all__ = ["demo"]
