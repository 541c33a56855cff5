"""What runs inside a person's sandbox for them: git, in plain words.

Standard library alone, and git. The environment's own nbdime merges and compares notebooks apart.
"""
