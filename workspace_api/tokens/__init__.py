"""Personal tokens: made once, shown once, kept as a hash."""
