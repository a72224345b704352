"""What an operator runs beside the services: doctor, replay, redrive, schemas."""
