"""SSH keys, and passwords for git outside of sessions."""
