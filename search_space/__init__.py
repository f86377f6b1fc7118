"""What can be built: genotypes, the spaces they live in, their exact cost, and the networks they describe.

Importing this package loads nothing. `genotype`, `space`, `spaces`, `encoding`, `cost`, `published` and
`drawing` need no torch; `network` and `modules` do.
"""
