"""How fast the program is, compared with the floor and with other tools: one module per benchmark."""
