"""The way to package indexes, and to nothing else, for jobs that have a network of their own."""
