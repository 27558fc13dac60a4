"""The sections of a page about two samples, and the blocks that they are made of."""
