"""Hypothesis as it behaves in every run here."""

from hypothesis import settings

from support.soak import examples

# The first example may have to make an RSA key, and the machine may be busy with other tests.
settings.register_profile("gatepass", deadline=None, max_examples=examples(100))
settings.load_profile("gatepass")
