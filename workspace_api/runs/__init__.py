"""Runs: from a request through the queue to a report, each ended exactly once."""
