"""The hands of a workspace: environments, and launchers that run a command in one."""
