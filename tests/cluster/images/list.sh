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

# A stand-in: Fluent Bit is in no registry that the tests reach. It reads its configuration's
# `path`, prints every line of those files as they grow, and answers the health probe.
begin
busybox
script /fluent-bit/bin/fluent-bit <<'SCRIPT'
#!/bin/sh
[ "$1" = -c ] && [ -r "$2" ] || { echo "no configuration: $*" >&2; exit 1; }
path=$(sed -n 's/^ *path: "\(.*\)"$/\1/p' "$2")
port=$(sed -n 's/^ *http_port: \([0-9]*\)$/\1/p' "$2")
[ -n "$path" ] && [ -n "$port" ] || { echo 'no path or no port' >&2; exit 1; }
: >/state/tail.db || exit 1
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
httpd -f -p "$port" -h /www &
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
text /www/api/v1/health <<<ok
image cr.fluentbit.io/fluent/fluent-bit:3.2.4 '{"Entrypoint":["/fluent-bit/bin/fluent-bit"]}'

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

# The last JMX exporter that Maven Central has as a program, with a Java of Debian. A test runs
# it a second time as the app, which can be any Java program.
begin
tree /usr/lib/jvm/java-17-openjdk-amd64 /etc/java-17-openjdk
for library in java:bin/java jli:lib/libjli.so jvm:lib/server/libjvm.so net:lib/libnet.so nio:lib/libnio.so \
    management:lib/libmanagement_ext.so; do
    libraries_of "/usr/lib/jvm/java-17-openjdk-amd64/${library#*:}"
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

# Debian's iptables, and for Envoy a stand-in: HAProxy, which passes redirected connections on
# to where they wanted to go, as the template's configuration has Envoy do it, and says so.
begin
program /usr/sbin/xtables-nft-multi
for name in iptables iptables-nft; do ln -s xtables-nft-multi "$stage/usr/sbin/$name"; done
tree /usr/lib/x86_64-linux-gnu/xtables
program /usr/bin/dash /usr/bin/sh
program /usr/sbin/haproxy
busybox
script /usr/local/bin/envoy <<'SCRIPT'
#!/bin/sh
[ "$1" = -c ] && grep -q 'port_value: 15001' "$2" && grep -q 'port_value: 15006' "$2" ||
    { echo "not the configuration that this stand-in plays: $*" >&2; exit 1; }
exec haproxy -db -f /haproxy.cfg
SCRIPT
text /haproxy.cfg <<'CONFIGURATION'
global
    maxconn 500
    log stdout format raw daemon
defaults
    mode tcp
    log global
    option logasap
    timeout connect 5s
    timeout client 1m
    timeout server 1m
listen outbound
    bind 127.0.0.1:15001
    log-format "outbound to %fi:%fp"
    server original 0.0.0.0
listen inbound
    bind :15006
    log-format "inbound to %fi:%fp"
    server original 0.0.0.0
frontend ready
    mode http
    no log
    bind :15021
    http-request return status 200 if { path /healthz/ready }
    http-request deny
CONFIGURATION
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
