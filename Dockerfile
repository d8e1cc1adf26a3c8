# gaae_tf on CPUs, from the locked set:
#   docker build -t gaae_tf .
#   docker run --rm -v "$PWD:/work" gaae_tf generate --run_dir=notes --label=guitar --out=sounds
FROM python:3.12-slim

WORKDIR /opt/gaae_tf
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps .

# What is written here stays on the host; numba caches what it compiles where anyone may write.
ENV NUMBA_CACHE_DIR=/tmp/numba
WORKDIR /work
ENTRYPOINT ["gaae"]
CMD ["--help"]
