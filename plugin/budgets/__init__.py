"""Money limits: what applies, what is reserved, what is spent."""
