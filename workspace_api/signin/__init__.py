"""Signing in: a browser through JupyterHub, and JupyterHub's own question whether a password is right."""
