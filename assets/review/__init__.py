"""People's part: what they are asked, and what comes back, as votes that balance."""
