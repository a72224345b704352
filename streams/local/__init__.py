"""Everything on one machine: the embedded broker, the stack, the demo and the benchmarks."""
