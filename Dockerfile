# One image for every part of Overread; the command says which part runs.
#   docker build -t overread .                          CPU
#   docker build -t overread:cuda --build-arg TORCH=cuda .

ARG PYTHON_VERSION=3.13
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-bookworm-slim AS dashboard
WORKDIR /build
COPY services/dashboard/web/package.json services/dashboard/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY services/dashboard/web ./
RUN npm run build

FROM python:${PYTHON_VERSION}-slim-bookworm AS packages
ARG TORCH=cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /overread
COPY pyproject.toml constraints.txt README.md LICENSE ./
# The dependencies alone, so that a change of our own code does not download them again. The build with CUDA is
# PyPI's own and brings the CUDA libraries as packages; the host brings only its driver.
RUN mkdir -p services pipelines && touch services/__init__.py pipelines/__init__.py \
    && if [ "$TORCH" = cpu ]; then INDEX="--extra-index-url https://download.pytorch.org/whl/cpu"; else INDEX=""; fi \
    && pip install $INDEX -c constraints.txt -e ".[s3]"

FROM python:${PYTHON_VERSION}-slim-bookworm
RUN useradd --system --create-home --uid 10001 overread && install -d -o overread -g overread /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /overread
COPY --from=packages /overread/pyproject.toml /overread/constraints.txt /overread/README.md /overread/LICENSE ./
COPY migrations migrations
COPY models models
COPY pipelines pipelines
COPY services services
COPY --from=dashboard /build/dist services/dashboard/web/dist
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OVERREAD_DATA_DIR=/data OVERREAD_HOST=0.0.0.0
USER overread
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["overread"]
CMD ["api"]
