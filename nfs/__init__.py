"""Where bytes live: layout on disk, mount plans, and safe access below a folder."""
