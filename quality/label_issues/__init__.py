"""Which given labels are probably wrong, from out-of-fold probabilities of a classifier."""
