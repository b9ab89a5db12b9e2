"""How well the actors agree, and how much of that is more than chance."""
