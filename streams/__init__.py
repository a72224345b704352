"""The shell around the pure core: Kafka, Faust, HTTP, files, Prometheus and the command line."""
