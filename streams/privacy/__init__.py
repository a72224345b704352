"""What the system holds on one household: listed, exported for that household alone, and erased (GDPR articles 15, 17 and 20).

Nothing here decides whose a record is by one sign: the key and the content have to agree.
"""
