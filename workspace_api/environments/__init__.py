"""Environments: which one a commit needs, and the state of its build."""
