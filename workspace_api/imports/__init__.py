"""Repositories from elsewhere that people open here."""
