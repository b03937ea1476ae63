"""Who is the caller, and what may they do? Pure functions over values: no input or output."""
