"""The catalogue: projects, what is curated at which version, and what a commit holds."""
