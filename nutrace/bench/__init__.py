"""Run a program under several variants, interleaved, and keep the run file of every run."""
