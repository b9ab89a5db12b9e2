"""Balance of classes: how uneven they are, what a rare one weighs, where a decision lies."""
