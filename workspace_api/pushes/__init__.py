"""Pushes that the forge told of, and reading what they brought."""
