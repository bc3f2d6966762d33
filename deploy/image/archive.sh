# Makes an OCI archive out of a folder of files, for machines without an image builder: an image
# layout with one layer, which `ctr images import`, `skopeo` and `podman load` read. Always the same
# bytes for the same files. To be read by a script.
#
#   archive FOLDER NAME RUNTIME OUTPUT [ARCHITECTURE [COMPRESSION]]
#
# RUNTIME is the image's OCI runtime configuration in JSON. ARCHITECTURE is amd64 without it, and
# COMPRESSION `gzip` or `none`, which is none.

digest_of() { sha256sum "$1" | cut -d' ' -f1; }

# Puts a file among the blobs of $layout and prints its descriptor.
blob() {
    local digest
    digest=$(digest_of "$1")
    printf '{"mediaType":"%s","digest":"sha256:%s","size":%s%s}' \
        "$2" "$digest" "$(stat -c %s "$1")" "${3:-}"
    mv "$1" "$layout/blobs/sha256/$digest"
}

archive() {
    local folder=$1 name=$2 runtime=$3 output=$4 architecture=${5:-amd64} compression=${6:-none}
    local layout parts uncompressed type layer config manifest
    layout=$(mktemp -d)
    parts=$(mktemp -d)
    mkdir -p "$layout/blobs/sha256"
    tar -C "$folder" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
        -cf "$parts/layer" .
    uncompressed=$(digest_of "$parts/layer")
    type=application/vnd.oci.image.layer.v1.tar
    if [ "$compression" = gzip ]; then
        gzip -9n "$parts/layer"
        mv "$parts/layer.gz" "$parts/layer"
        type=$type+gzip
    fi
    layer=$(blob "$parts/layer" "$type")
    printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$architecture" "$runtime" "$uncompressed" >"$parts/config"
    config=$(blob "$parts/config" application/vnd.oci.image.config.v1+json)
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
        "$config" "$layer" >"$parts/manifest"
    manifest=$(blob "$parts/manifest" application/vnd.oci.image.manifest.v1+json \
        ",\"annotations\":{\"io.containerd.image.name\":\"$name\",\"org.opencontainers.image.ref.name\":\"${name##*:}\"}")
    printf '{"schemaVersion":2,"manifests":[%s]}' "$manifest" >"$layout/index.json"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    tar -C "$layout" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$output" .
    rm -rf "$layout" "$parts"
}
