# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist -p passerelle \
    && cp target/dist/passerelle /usr/local/bin/passerelle

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin passerelle \
    && install -d -o passerelle -g passerelle -m 0750 /data
COPY --from=build /usr/local/bin/passerelle /usr/local/bin/passerelle
USER passerelle
WORKDIR /data
VOLUME /data
ENV LISTEN_ADDR=0.0.0.0:8000 DATA_DIR=/data
EXPOSE 8000
# bash opens the connection itself: the image needs no HTTP client. The port is that of LISTEN_ADDR above.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r status <&3 && [[ $status == *' 200 '* ]]"]
ENTRYPOINT ["passerelle"]
CMD ["serve"]
