#!/usr/bin/env bash
# Prints the manifest of the kubectl plugin for krew, from the archives of a release.
set -euo pipefail

tag=${1:?usage: krew-manifest.sh TAG FOLDER}
folder=${2:?usage: krew-manifest.sh TAG FOLDER}
repository=${GITHUB_REPOSITORY:?GITHUB_REPOSITORY names the repository of the release}

cat <<YAML
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: pillion
spec:
  version: $tag
  homepage: https://github.com/$repository
  shortDescription: Inject helper containers, and say why a pod has them
  description: |
    Shows and tests what the Pillion webhook does: injects manifests, explains decisions, checks templates and installations.
  platforms:
YAML
for platform in linux-amd64 linux-arm64 darwin-amd64 darwin-arm64; do
    archive=pillion-$platform.tar.gz
    sum=$(sha256sum "$folder/$archive" | cut -d ' ' -f 1)
    cat <<YAML
    - selector: {matchLabels: {os: ${platform%-*}, arch: ${platform#*-}}}
      uri: https://github.com/$repository/releases/download/$tag/$archive
      sha256: $sum
      files: [{from: pillion, to: .}, {from: LICENSE, to: .}]
      bin: pillion
YAML
done
