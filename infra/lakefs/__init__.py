"""The embedded lakeFS server: the HTTP API of lakeFS served from one folder."""
