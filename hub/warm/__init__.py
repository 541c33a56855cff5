"""Warm starts: a process that has our own packages loaded forks, and the fork becomes a job."""

SOCKET = "s"  # in the fork server's folder: where supervisors are asked for
FORKS = "f"  # likewise, with containers: where forks are
LOADED = "loaded.json"  # likewise: what it has loaded, once it has
WANTED = "wanted"  # likewise: appears when somebody will soon want a warm start
ENTRYPOINT_VARIABLE = "R2D_ENTRYPOINT"  # where repo2docker says that a repository has a file `start`
