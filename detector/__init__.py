"""The pure core of misfire: did anybody mean this chain of commands?

Nothing in this package does I/O, reads a clock, keeps a global or imports asyncio. Time is an argument.
"""
