"""Hypothesis as it behaves in every run here."""

from hypothesis import settings

# The first example may have to make an RSA key, and the machine may be busy with other tests.
settings.register_profile("gatepass", deadline=None)
settings.load_profile("gatepass")
