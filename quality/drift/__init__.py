"""Has what comes in changed? Two samples in, a frozen report out; the front door is `report`."""
