"""The demo: the whole chain on handwritten digits, with simulated reviewers."""
