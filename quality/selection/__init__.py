"""What people should see next: which items, and whether a new one or another vote on an old one."""
