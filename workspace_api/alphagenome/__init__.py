"""The AlphaGenome gateway: holds the shared key, speaks the client's protocol, or answers offline."""
