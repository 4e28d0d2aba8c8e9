"""How devices come to trust the node's certificate authority: the guide, its page, and the files."""
