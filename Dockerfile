# syntax=docker/dockerfile:1
# Pillion's image: one static program, and a user that is not root. `docker buildx build --platform
# linux/amd64,linux/arm64 .` builds each platform on its own kind of machine or by emulation.
# deploy/image/build.sh makes the same image where no image builder is at hand.
FROM docker.io/library/rust:1.95-bookworm AS build
ARG TARGETARCH
WORKDIR /pillion
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY src src
COPY templates templates
COPY examples examples
COPY assets assets
COPY deploy/kustomize deploy/kustomize
COPY benches benches
COPY deploy/image deploy/image
RUN case "$TARGETARCH" in \
        amd64) target=x86_64-unknown-linux-gnu ;; \
        arm64) target=aarch64-unknown-linux-gnu ;; \
        *) echo "no image is made for $TARGETARCH" >&2; exit 1 ;; \
    esac && \
    rustup component add llvm-tools && \
    strip -o /program "$(deploy/image/program.sh release "$target" | tail -n 1)"

FROM scratch
COPY deploy/image/passwd deploy/image/group /etc/
COPY --from=build /program /pillion
LABEL org.opencontainers.image.title=pillion \
      org.opencontainers.image.licenses=Apache-2.0
USER 65532:65532
ENTRYPOINT ["/pillion"]
