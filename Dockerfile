# Eddyline in a small image:  docker build -t eddyline .
#
# The compiler is the image's own: rust-toolchain.toml is left out by .dockerignore,
# so that no second toolchain is fetched.
FROM rust:1-bookworm AS build
# OpenSSL and librdkafka are compiled in, which takes cmake and perl.
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake perl xz-utils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src

# V8 in a layer of its own, which stays as long as its version does.
COPY vendor/v8 vendor/v8
RUN vendor/v8/install

COPY . .
# "dev" compiles in a third of the time, for a larger and slower program.
ARG PROFILE=release
# The target folder is a cache that later steps do not see, hence the copy in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile "$PROFILE" --bin eddyline \
 && case "$PROFILE" in dev) folder=debug ;; *) folder=$PROFILE ;; esac \
 && strip -o /eddyline "target/$folder/eddyline"

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Eddyline" \
      org.opencontainers.image.description="JavaScript and TypeScript functions on Kafka topics" \
      org.opencontainers.image.licenses="Apache-2.0"
# The certificates with which brokers prove who they are; everything else is in the program.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /eddyline /usr/local/bin/eddyline
RUN useradd --system --uid 10001 --no-create-home --home-dir /eddyline --shell /usr/sbin/nologin eddyline \
 && install -d /eddyline/functions
USER 10001:10001
# `functions/` and, where there is one, `eddyline.toml` are mounted here.
WORKDIR /eddyline
# Inside a container loopback reaches nobody: which addresses are published is said outside.
ENV EDDYLINE__ADMIN__LISTEN=0.0.0.0:9640
EXPOSE 9640
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["eddyline", "health"]
ENTRYPOINT ["eddyline"]
CMD ["run"]
