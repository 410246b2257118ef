#!/bin/sh
# Check the Binder environment without Docker: repo2docker reads it, a fresh environment installs what
# it names, and the tutorials that use each part of it give their stored output there.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

echo "== repo2docker reads binder/"
"$python" -m venv "$folder/repo2docker"
"$folder/repo2docker/bin/pip" install --quiet --disable-pip-version-check jupyter-repo2docker
"$folder/repo2docker/bin/jupyter-repo2docker" --no-build --debug . >"$folder/log" 2>&1 || {
    cat "$folder/log"
    exit 1
}
grep -q "binder/requirements.txt" "$folder/log" || {
    echo "repo2docker did not find binder/requirements.txt"
    exit 1
}

echo "== A fresh environment installs binder/requirements.txt"
"$python" -m venv "$folder/image"
"$folder/image/bin/pip" install --quiet --disable-pip-version-check -r binder/requirements.txt

echo "== Tutorials run in it: the first, one that needs the extra fit, and one that needs data"
"$folder/image/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt nbval pytest
"$folder/image/bin/python" -m pytest -p no:cacheprovider --rootdir tutorials --nbval --nbval-current-env \
    --nbval-sanitize-with tutorials/sanitize.cfg \
    tutorials/01_key_concepts.ipynb tutorials/08_fitting.ipynb tutorials/12_sweeps.ipynb
