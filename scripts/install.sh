#!/usr/bin/env bash
# Builds the program and installs it under PREFIX (~/.local), below DESTDIR where that is set: the
# program, also as the plugin `kubectl pillion`, its man pages, and completions for bash, zsh and fish.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

prefix=${DESTDIR:-}${PREFIX:-$HOME/.local}

cargo build --locked --release --bin pillion
pillion=${CARGO_TARGET_DIR:-target}/release/pillion

install -D -m 755 "$pillion" "$prefix/bin/pillion"
ln -sf pillion "$prefix/bin/kubectl-pillion"

pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
"$pillion" manual "$pages"
install -d "$prefix/share/man/man1"
install -m 644 "$pages"/*.1 "$prefix/share/man/man1"

completion() {
    install -d "$(dirname "$2")"
    "$pillion" completions "$1" >"$2"
}
completion bash "$prefix/share/bash-completion/completions/pillion"
completion zsh "$prefix/share/zsh/site-functions/_pillion"
completion fish "$prefix/share/fish/vendor_completions.d/pillion.fish"

printf 'installed %s, kubectl-pillion, man pages and completions under %s\n' pillion "$prefix"
case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) printf 'note: %s is not in your PATH; the shell finds pillion with: export PATH="%s:$PATH"\n' "$prefix/bin" "$prefix/bin" ;;
esac
