"""Stacks that a sampler saw: taken beside or inside a traced process, and joined to spans by path."""
