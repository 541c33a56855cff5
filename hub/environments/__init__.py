"""Environments: which files decide one, its key, and what builds it."""
