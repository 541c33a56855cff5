"""Sessions: interactive servers on a person's own checkout of a project."""
