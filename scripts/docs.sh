#!/usr/bin/env bash
# Makes the documentation site from docs/, the catalog's READMEs and those of the root, and follows every
# link in it. The last line on standard output is the site's folder. mdBook is built once, into the cache.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../tests/cache.sh
. "$root/tests/cache.sh"

mdbook_version=0.5.4

build_mdbook() {
    local base=$cache/mdbook
    mdbook=$base/$mdbook_version/bin/mdbook
    [ ! -x "$mdbook" ] || return 0
    command -v cargo >/dev/null || fail "cargo not found: install Rust (https://rustup.rs); mdBook is built with it"
    mkdir -p "$base"
    lock "$base/.lock"
    if ! [ -x "$mdbook" ]; then
        say "building mdBook: once, some two minutes"
        local folder
        folder=$(mktemp -d "$base/.building.XXXXXX")
        # shellcheck disable=SC2064 # the folder of now
        trap "rm -rf '$folder'" EXIT
        # Without search and without a server: nothing but the pages.
        (cd "$folder" && cargo install --quiet --locked --root "$folder/installed" --target-dir "$folder/target" \
            --no-default-features "mdbook@$mdbook_version") >&2 || unavailable "cargo could not build mdBook"
        mv "$folder/installed" "$base/$mdbook_version"
        rm -rf "$folder"
        trap - EXIT
    fi
    exec 9>&-
}

# Lays out the documents, and what they link to, as in the tree.
lay_out() {
    local source=$1/src
    mkdir -p "$source"
    cp "$root/docs/book/book.toml" "$1"
    (
        cd "$root"
        find README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md LICENSE docs templates examples certs deploy/kustomize \
            benches/results.json -type f -not -path 'docs/book/*' -not -name SUMMARY.md -print0 |
            xargs -0 cp --parents -t "$source"
    )
    # The page of a README is the index of its folder, which mdBook's own rewriting of links forgets.
    find "$source" -name '*.md' -print0 | xargs -0 sed -E -i 's#\]\(([^):]*)README\.md#](\1index.md#g'
    summary >"$source/SUMMARY.md"
}

# docs/SUMMARY.md as it is seen from the root, with a line for each template of the catalog.
summary() {
    local line readme name
    while IFS= read -r line; do
        line=$(sed -E 's#\]\(([^.])#](docs/\1#; s#\]\(\.\./#](#' <<<"$line")
        printf '%s\n' "$line"
        if [[ $line == *"(templates/README.md)" ]]; then
            for readme in "$root"/templates/*/README.md; do
                name=$(basename "$(dirname "$readme")")
                printf '  - [%s](templates/%s/README.md)\n' "$name" "$name"
            done
        fi
    done <"$root/docs/SUMMARY.md"
    # A page that no README links to still has what it says.
    printf '  - [Development certificates](certs/README.md)\n'
}

# Every document is in the summary: one that is not would be no page.
check_summary() {
    local document wrong=0
    for document in "$root"/docs/*.md; do
        document=${document##*/}
        [ "$document" = SUMMARY.md ] || grep -q "($document)" "$root/docs/SUMMARY.md" || {
            say "error: docs/SUMMARY.md has no line for docs/$document"
            wrong=1
        }
    done
    return $wrong
}

# The links of a page, each on a line: file and fragment.
links_of() {
    grep -oE '(href|src|srcset)="[^"]*"' "$1" | sed -E 's/^(href|src|srcset)="//; s/"$//' | sort -u |
        grep -vE '^(https?:|mailto:|data:|javascript:)' || true
}

check_links() {
    local site=$1 page link file anchor target wrong=0 count=0
    while IFS= read -r page; do
        while IFS= read -r link; do
            count=$((count + 1))
            file=${link%%#*}
            anchor=""
            [[ $link != *"#"* ]] || anchor=${link#*#}
            if [ -z "$file" ]; then
                target=$page
            else
                target=$(dirname "$page")/$file
            fi
            [ ! -d "$target" ] || target=${target%/}/index.html
            if ! [ -f "$target" ]; then
                say "error: ${page#"$site"/}: leads to $link, which is not there"
                wrong=1
            elif [ -n "$anchor" ] && ! grep -qF "id=\"$anchor\"" "$target"; then
                say "error: ${page#"$site"/}: leads to $link, which has no such heading"
                wrong=1
            fi
        done < <(links_of "$page")
    done < <(find "$site" -name '*.html' -not -name print.html -not -name toc.html -not -name 404.html)
    [ "$count" -gt 100 ] || fail "only $count links were found in the site"
    [ $wrong = 0 ] || fail "links of the documentation lead nowhere"
    say "$count links lead somewhere"
}

check_summary
build_mdbook
work=${CARGO_TARGET_DIR:-$root/target}/docs
rm -rf "$work"
lay_out "$work"
said=$("$mdbook" build "$work" 2>&1) || fail "$said"
if grep -E '(WARN|ERROR)' <<<"$said" >&2; then
    fail "mdBook warns"
fi
check_links "$work/book"
printf '%s\n' "$work/book"
