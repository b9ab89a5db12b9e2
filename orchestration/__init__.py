"""When, where and with what the chain runs: definitions, resources, sensors, the command line."""
