"""The shell of misfire: Kafka, Faust, HTTP, files, Prometheus and the command line around the pure core."""
