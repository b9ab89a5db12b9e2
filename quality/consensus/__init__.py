"""Truth inference: what the votes on each item amount to, and how good each actor is."""
