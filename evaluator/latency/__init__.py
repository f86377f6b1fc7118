"""How long a network takes for one image on one device: measured, or predicted from a table of its operators."""
