"""The doors: each translates one gateway convention and holds no rule."""
