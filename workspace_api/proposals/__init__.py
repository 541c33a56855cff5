"""Versions saved and changes proposed, in plain words."""
