"""The one client of the forge: GitLab's REST API through python-gitlab, and git over HTTP."""
