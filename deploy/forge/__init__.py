"""The embedded forge: stands in for GitLab on one machine, and shares no code with the rest of Labfork.

It speaks GitLab's REST API v4 and git's smart HTTP over bare repositories, for python-gitlab and git.
"""
