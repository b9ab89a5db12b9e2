"""Synthetic items: how each kind of source makes the content of one."""
