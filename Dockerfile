# One image for every process; docker-compose.yml says which one a container is.
FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 RAY_USAGE_STATS_ENABLED=0
WORKDIR /srnas
COPY pyproject.toml constraints.txt README.md LICENSE CHANGELOG.md ./
COPY search_space search_space
COPY evaluator evaluator
COPY nas nas
COPY api api
RUN pip install -c constraints.txt . && useradd --create-home srnas && mkdir /data && chown srnas /data
USER srnas
ENV SRNAS_HOME=/data SRNAS_IMAGES_ROOT=/images
ENTRYPOINT ["srnas"]
