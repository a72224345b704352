# One image for every part: the command says which ("worker", "gateway", "topics create").
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY detector detector
COPY streams streams
COPY dashboards dashboards
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 misfire && useradd --uid 10001 --gid 10001 --create-home misfire
# What is mounted here begins as this user's.
RUN install --directory --owner=10001 --group=10001 /bundle /secrets
USER misfire
WORKDIR /home/misfire
ENTRYPOINT ["misfire"]
CMD ["--help"]
