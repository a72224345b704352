"""Running everything on one machine: the embedded broker, the stack, the demo, the benchmarks."""
