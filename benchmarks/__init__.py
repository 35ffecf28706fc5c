"""How fast the program is, beside the floor and what people use instead: one module a question."""
