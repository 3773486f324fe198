# One image for gateway, collector, analytics and web view; the command says which.
FROM python:3.12-slim
WORKDIR /opt/submeter
COPY requirements/demo.lock requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/demo.lock
COPY pyproject.toml README.md LICENSE ./
COPY submeter submeter
COPY collector collector
COPY firmware_sim firmware_sim
COPY analytics analytics
COPY dashboards dashboards
COPY config config
RUN pip install --no-cache-dir --no-build-isolation --no-deps . \
    && useradd --create-home --uid 1000 submeter \
    && mkdir -p /var/lib/submeter /run/tokens \
    # whoever it runs as (docker-compose.yml: the owner of the secrets) is in group 0
    && chown submeter:0 /var/lib/submeter && chmod 775 /var/lib/submeter
USER submeter
WORKDIR /var/lib/submeter
ENTRYPOINT ["submeter"]
