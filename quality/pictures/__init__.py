"""Small pictures of what quality/ finds: plain arrays in, PNG bytes out."""
