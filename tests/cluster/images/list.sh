# The images of the tests' node, each under the name that a template has for it by default and
# with its program at the path that the template calls. Read by build.sh; see assemble.sh.

# What holds a pod's namespaces.
begin
cc -static -Os -o "$stage/pause" "$here/pause.c"
strip "$stage/pause"
image registry.k8s.io/pause:3.10 '{"Entrypoint":["/pause"],"User":"65535:65535"}'

# Debian's BusyBox, with Debian's netcat for the `nc -z` that this build of BusyBox lacks, and
# dash as the shell, because BusyBox's own would call its own `nc`.
begin
program /usr/bin/nc.openbsd /usr/bin/nc
program /usr/bin/dash /usr/bin/sh
busybox
image docker.io/library/busybox:1.37.0 '{"Cmd":["sh"]}'

# Stand-ins: Fluent Bit, Promtail and Vector are in no registry that the tests reach, or too large
# to build. Each reads the path from its own configuration, prints every line of those files as
# they grow, and answers its health probe.
shipper() {
    busybox
    script /stand-in <<'SCRIPT'
#!/bin/sh
address=$1 path=$2
[ -n "$path" ] || { echo 'no path in the configuration' >&2; exit 1; }
: >/state/positions || exit 1
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
httpd -f -p "$address" -h /www &
seen=
while :; do
    for file in $path; do
        [ -f "$file" ] || continue
        case " $seen " in *" $file "*) continue ;; esac
        seen="$seen $file"
        tail -n +1 -F "$file" &
    done
    sleep 0.2 &
    wait $!
done
SCRIPT
}

begin
shipper
script /fluent-bit/bin/fluent-bit <<'SCRIPT'
#!/bin/sh
[ "$1" = -c ] || { echo "unknown: $*" >&2; exit 1; }
[ "$(sed -n 's/^ *http_listen: "\(.*\)"$/\1/p' "$2")" = '${POD_IP}' ] || { echo 'no http_listen' >&2; exit 1; }
case $POD_IP in *:*) address="[$POD_IP]" ;; *) address=$POD_IP ;; esac
exec /stand-in "$address:2020" "$(sed -n 's/^ *path: "\(.*\)"$/\1/p' "$2")"
SCRIPT
text /www/api/v1/health <<<ok
image cr.fluentbit.io/fluent/fluent-bit:3.2.4 '{"Entrypoint":["/fluent-bit/bin/fluent-bit"]}'

begin
shipper
script /usr/bin/promtail <<'SCRIPT'
#!/bin/sh
[ "$1" = -config.file=/etc/promtail-config/promtail.yaml ] || { echo "unknown: $*" >&2; exit 1; }
exec /stand-in 3101 "$(sed -n 's/^ *__path__: "\(.*\)"$/\1/p' "${1#*=}")"
SCRIPT
text /www/ready <<<ok
image docker.io/grafana/promtail:3.5.0 '{"Entrypoint":["/usr/bin/promtail"]}'

begin
shipper
script /usr/bin/vector <<'SCRIPT'
#!/bin/sh
[ "$1" = --config ] || { echo "unknown: $*" >&2; exit 1; }
exec /stand-in 127.0.0.1:8686 "$(sed -n 's/^ *- "\(\/.*\)"$/\1/p' "$2")"
SCRIPT
text /www/health <<<ok
image docker.io/timberio/vector:0.46.1-alpine

begin
program /usr/sbin/pgbouncer /usr/bin/pgbouncer
image docker.io/edoburu/pgbouncer:v1.24.1-p1 '{"Entrypoint":["/entrypoint.sh"],"User":"postgres"}'

# What the tests' own pods need: a database, and a box of tools.
begin
for name in postgres initdb psql pg_isready; do
    program "/usr/lib/postgresql/15/bin/$name"
    ln -s "../lib/postgresql/15/bin/$name" "$stage/usr/bin/$name"
done
tree /usr/lib/postgresql/15/lib /usr/share/postgresql/15
rm -rf "$stage/usr/lib/postgresql/15/lib/bitcode" "$stage"/usr/lib/postgresql/15/lib/llvmjit*
busybox
# An empty database, to be copied: making one takes PostgreSQL many seconds on a busy machine.
mknod -m 666 "$stage/dev/null" c 1 3
mkdir -m 777 "$stage/data"
chown 70 "$stage/data"
env -i LC_ALL=C PATH=/usr/sbin:/usr/bin chroot --userspec=70:70 "$stage" /usr/lib/postgresql/15/bin/initdb -D /data -U postgres \
    --auth=trust --no-sync >&2
chmod -R a+rX "$stage/data"
rm "$stage/dev/null"
image localhost/tests/postgresql:15 '{"User":"70:70"}'

begin
program /usr/bin/curl
program /usr/bin/openssl
program /usr/bin/socat
program /usr/bin/nc.openbsd /usr/bin/nc
program /usr/bin/dash /usr/bin/sh
tree /usr/lib/ssl /etc/ssl/openssl.cnf
busybox
image localhost/tests/tools:1

# A pool that takes its time: what waits for it to be ready must wait.
begin
program /usr/bin/nc.openbsd /usr/bin/nc
program /usr/bin/dash /usr/bin/sh
busybox
script /usr/bin/pgbouncer <<'SCRIPT'
#!/bin/sh
sleep 3
echo listens after 3 seconds
exec nc -lk 6432
SCRIPT
image localhost/tests/slow-pool:1

# The programs of the catalog, as Debian has them.
begin
program /usr/bin/socat
program /usr/bin/dash /usr/bin/sh
busybox
image docker.io/alpine/socat:1.8.0.0 '{"Entrypoint":["socat"]}'

begin
program /usr/sbin/nutcracker
program /usr/bin/dash /usr/bin/sh
busybox
image quay.io/3scale/twemproxy:v0.5.0

begin
program /usr/sbin/nginx
busybox
image docker.io/nginxinc/nginx-unprivileged:1.27.4-alpine3.21 '{"User":"101"}'

begin
program /usr/bin/openssl
tree /usr/lib/ssl /etc/ssl/openssl.cnf
image docker.io/alpine/openssl:3.3.3 '{"Entrypoint":["openssl"]}'

begin
program /usr/bin/curl
program /usr/bin/dash /usr/bin/sh
busybox
image docker.io/curlimages/curl:8.11.1 '{"User":"100:101"}'

begin
program /usr/bin/redis-server
program /usr/bin/redis-cli
busybox
image localhost/tests/redis:7

# netshoot, as far as the template and its test need it.
begin
program /usr/bin/curl
program /usr/bin/socat
program /usr/bin/dash /usr/bin/sh
busybox
image docker.io/nicolaka/netshoot:v0.13

# Built from their Go modules.
begin
cp "$programs/statsd_exporter" "$stage/bin/statsd_exporter"
image docker.io/prom/statsd-exporter:v0.28.0 '{"Entrypoint":["/bin/statsd_exporter"],"User":"65534"}'

begin
cp "$programs/node_exporter" "$stage/bin/node_exporter"
image quay.io/prometheus/node-exporter:v1.8.2 '{"Entrypoint":["/bin/node_exporter"],"User":"65534"}'

begin
cp "$programs/otelcol" "$stage/otelcol-contrib"
image docker.io/otel/opentelemetry-collector-contrib:0.114.0 \
    '{"Entrypoint":["/otelcol-contrib"],"Cmd":["--config","/etc/otelcol-contrib/config.yaml"],"User":"10001"}'

begin
cp "$programs/daprd" "$stage/daprd"
image docker.io/daprio/daprd:1.16.1 '{"Entrypoint":["/daprd"],"User":"65532"}'

# The last JMX exporter that Maven Central has as a program, with a Java of Debian. A test runs
# it a second time as the app, which can be any Java program.
begin
tree /usr/lib/jvm/java-17-openjdk-amd64 /etc/java-17-openjdk
for library in java:bin/java jli:lib/libjli.so jvm:lib/server/libjvm.so net:lib/libnet.so nio:lib/libnio.so \
    management:lib/libmanagement_ext.so; do
    libraries_of "$root/usr/lib/jvm/java-17-openjdk-amd64/${library#*:}"
done
ln -s ../lib/jvm/java-17-openjdk-amd64/bin/java "$stage/usr/bin/java"
cp "$programs/jmx_exporter.jar" "$stage/jmx_exporter.jar"
busybox
image docker.io/bitnamilegacy/jmx-exporter:1.3.0-debian-12-r1 \
    '{"Entrypoint":["java","-jar","/jmx_exporter.jar"],"User":"1001"}'

# A stand-in: configmap-reload is in no registry that the tests reach. It understands the flags
# that the template gives, and calls the URL when the kubelet swaps the mounted version.
begin
program /usr/bin/curl
busybox
script /configmap-reload <<'SCRIPT'
#!/bin/sh
for flag in "$@"; do
    case $flag in
    --volume-dir=*) folder=${flag#*=} ;;
    --webhook-url=*) url=${flag#*=} ;;
    --webhook-method=*) method=${flag#*=} ;;
    --webhook-status-code=*) status=${flag#*=} ;;
    *) echo "unknown flag $flag" >&2; exit 1 ;;
    esac
done
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
httpd -f -p 9533 -h /www &
version=$(readlink "$folder/..data") || exit 1
while :; do
    now=$(readlink "$folder/..data")
    if [ "$now" != "$version" ]; then
        got=$(curl -s -o /dev/null -w '%{http_code}' -X "$method" "$url")
        echo "called $method $url: $got"
        [ "$got" = "$status" ] && version=$now
    fi
    sleep 0.5 &
    wait $!
done
SCRIPT
text /www/metrics <<<'# none'
image ghcr.io/jimmidyson/configmap-reload:v0.14.0 '{"Entrypoint":["/configmap-reload"],"User":"65534"}'

# The release of Envoy that PyPI has, as a program of its own and beside Debian's iptables.
envoy() {
    copy_program "$programs/envoy" /usr/local/bin/envoy
}
begin
envoy
image docker.io/envoyproxy/envoy:distroless-v1.37.2

begin
envoy
program /usr/sbin/xtables-nft-multi
for name in iptables iptables-nft; do ln -s xtables-nft-multi "$stage/usr/sbin/$name"; done
tree /usr/lib/x86_64-linux-gnu/xtables
program /usr/bin/dash /usr/bin/sh
busybox
image docker.io/istio/proxyv2:1.24.1

# A stand-in: Vault is too large to build here. As an agent it writes what its configuration's
# templates ask for, which shows when and where files are there, and for whom.
begin
busybox
script /usr/bin/vault <<'SCRIPT'
#!/bin/sh
[ "$1" = agent ] && [ "$2" = -config=/vault/config/agent.json ] || { echo "unknown: $*" >&2; exit 1; }
[ -s /vault/token/token ] || { echo 'no service account token' >&2; exit 1; }
grep -o '"destination": *"[^"]*"' /vault/config/agent.json | cut -d'"' -f4 | while read -r file; do
    rm -f "$file"
    echo "secret of ${file##*/}" >"$file"
    chmod 400 "$file"
    echo "wrote $file"
done
[ "$3" != -exit-after-auth ] || exit 0
echo $$ >/vault/home/.pid
trap 'exit 0' TERM
while :; do sleep 3600 & wait $!; done
SCRIPT
image docker.io/hashicorp/vault:1.18.3

# A stand-in: Linkerd's proxy comes as an image only. It looks at what it is given, and answers the
# probes where it is told to.
begin
busybox
script /usr/lib/linkerd/linkerd2-proxy-identity <<'SCRIPT'
#!/bin/sh
echo "identity $LINKERD2_PROXY_IDENTITY_LOCAL_NAME"
[ -s "$LINKERD2_PROXY_IDENTITY_TOKEN_FILE" ] || { echo 'no token' >&2; exit 1; }
[ -n "$LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS" ] || { echo 'no trust anchors' >&2; exit 1; }
: >"$LINKERD2_PROXY_IDENTITY_DIR/key" || exit 1
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
httpd -f -p "$LINKERD2_PROXY_ADMIN_LISTEN_ADDR" -h /www &
wait
SCRIPT
text /www/ready <<<ok
text /www/live <<<ok
image cr.l5d.io/linkerd/proxy:edge-25.4.1 '{"Entrypoint":["/usr/lib/linkerd/linkerd2-proxy-identity"],"User":"2102"}'
