# One image for every part; the command selects it ("worker", "gateway", "topics create").
FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7 AS build
WORKDIR /build
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY detector detector
COPY streams streams
COPY dashboards dashboards
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 misfire && useradd --uid 10001 --gid 10001 --create-home misfire
# New volumes inherit these owners: misfire's user, and for /secrets the user of Grafana's image.
RUN install --directory --owner=10001 --group=10001 /bundle /candidates \
    && install --directory --owner=10001 --group=10001 --mode=0700 /keys \
    && install --directory --owner=472 --group=0 --mode=0700 /secrets
USER misfire
WORKDIR /home/misfire
ENTRYPOINT ["misfire"]
CMD ["--help"]
