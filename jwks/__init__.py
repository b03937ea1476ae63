"""Who signed this token, and is it still good? Stands alone: no other package of ours is needed."""
