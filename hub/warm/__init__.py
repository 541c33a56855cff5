"""Warm starts: a process with our own packages loaded forks, and the fork becomes a job in its sandbox."""

SOCKET = "s"  # in the fork server's folder: where it is asked
LOADED = "loaded.json"  # likewise: what it has loaded, once it has
WANTED = "wanted"  # likewise: appears when somebody will soon want a warm start
