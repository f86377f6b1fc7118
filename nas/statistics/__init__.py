"""What can be learnt from a search's ledger: which operators, rungs, seeds and predictions earned their keep. Pure."""
