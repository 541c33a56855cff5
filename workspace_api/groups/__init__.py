"""Groups: people who share files and projects."""
