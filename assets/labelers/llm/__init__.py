"""Language models as labelers: prompt, examples, answers, cache and cost."""
