"""What the stages do otherwise where a label is a set of boxes or spans; each has one hook."""
