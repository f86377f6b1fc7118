"""What a network does to photographs and to a single dot, as pictures that a page lays beside those of bicubic.

Heavy: import its modules where they are used.
"""
