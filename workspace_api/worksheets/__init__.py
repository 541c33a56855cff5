"""Worksheets: which notebooks take parameters, their schema, and the checking of values."""
