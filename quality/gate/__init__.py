"""The gate: suites of expectations that a snapshot must pass, the verdict, and its receipt."""
