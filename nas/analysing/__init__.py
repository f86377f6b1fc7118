"""What a network does to frequencies, for people: from a model's file and a photograph to figures, pictures and a page.

Heavy: import its modules where they are used.
"""
