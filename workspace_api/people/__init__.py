"""People: accounts, levels, and how an account's password is checked."""
