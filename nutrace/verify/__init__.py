"""A program run twice, without and with components: everything that it simulates, held against each other."""
