"""Batches: one run over every row of an uploaded table, with the state of each row."""
