"""Who is measured: the program, the floor under it, and what people write instead."""
