"""The web pages people see, rendered on the server over the services of `workspace_api`."""
