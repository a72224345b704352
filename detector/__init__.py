"""The pure core of misfire, which decides whether a chain of commands was meant.

Nothing in this package does I/O, reads a clock, keeps global state or imports asyncio. Functions
take the time as an argument.
"""
