"""The brain of a workspace: projects, worksheets, runs, environments, and the REST API over them."""
