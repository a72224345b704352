"""Lists, exports and erases the data of one household (GDPR articles 15, 17 and 20).

A record belongs to a household only if its key and its content agree.
"""
