"""Which functions are worth a span of their own: from the samples of a trace to a file of probes."""
