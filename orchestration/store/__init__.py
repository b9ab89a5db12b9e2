"""The one implementation of DatasetStore, over the official lakeFS clients; see stores.py."""
