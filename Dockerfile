# One image for every part; the command selects it ("worker", "gateway", "topics create").
#
# The dependencies and the project have a layer each, so that a change of the project copies only
# the project again.
FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7 AS dependencies
WORKDIR /build
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock

FROM dependencies AS project
COPY pyproject.toml README.md LICENSE ./
COPY detector detector
COPY streams streams
COPY dashboards dashboards
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --prefix /project .

FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7
# The base image has no compiled modules, and containers with a read-only file system would compile
# those of the standard library at each start: half of the processor time of the imports.
RUN python -m compileall -q -x "/(test|idlelib|site-packages)/" /usr/local/lib/python3.12
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 misfire && useradd --uid 10001 --gid 10001 --create-home misfire
# New volumes inherit these owners: misfire's user, and for /secrets the user of Grafana's image.
RUN install --directory --owner=10001 --group=10001 /bundle /candidates \
    && install --directory --owner=10001 --group=10001 --mode=0700 /keys \
    && install --directory --owner=472 --group=0 --mode=0700 /secrets
COPY --from=dependencies /venv /venv
COPY --from=project /project /venv
# A published image says where its sources are: docker build --build-arg SOURCE=URL.
ARG SOURCE=
LABEL org.opencontainers.image.title=misfire-detector \
      org.opencontainers.image.description="Stops voice-assistant commands that no user meant, \
before they run" \
      org.opencontainers.image.version=0.1.0 \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.source=$SOURCE
USER misfire
WORKDIR /home/misfire
ENTRYPOINT ["misfire"]
CMD ["--help"]
