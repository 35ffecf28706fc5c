"""What the parts of Triptych expect of each other."""
