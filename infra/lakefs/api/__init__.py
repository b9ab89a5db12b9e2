"""lakeFS's HTTP API: one module per kind of resource, one function per operation."""
