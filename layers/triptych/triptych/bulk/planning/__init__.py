"""How files are cut into chunks."""
