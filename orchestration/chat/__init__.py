"""Language models over HTTP, as OpenAI's chat completions have it."""
