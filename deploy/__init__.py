"""The composition root: configuration, the `labfork` command, and the processes of a workspace."""
