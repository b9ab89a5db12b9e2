"""What the chain stands on: the embedded lakeFS server, images and configuration."""
