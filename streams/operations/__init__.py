"""What operators run beside the services: doctor, replay, redrive, growing topics, schemas."""
