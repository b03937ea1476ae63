"""The directory as somebody wants it: a file or an import, and the way from what is stored."""
