"""What a pretrained encoder is worth for a task, and which way to use it."""
