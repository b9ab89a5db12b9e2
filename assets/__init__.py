"""What data exists and what it is made of: one module per stage, checks beside their asset."""
