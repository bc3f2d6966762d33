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
trap 'kill $(jobs -p); exit 0' TERM
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
