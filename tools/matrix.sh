#!/bin/sh
# Run the full suites over Pythons, precisions and versions of the dependencies: `make test-matrix`.
# MATRIX_DRY=1 prints the cells; an argument chooses cells by a part of their name, and
# MATRIX_TESTS="tests/models ..." runs a part of the suites.
set -u
cd "$(dirname "$0")/.." || exit 1

lowest() { # the lower bounds of pyproject.toml as pins, those of the extras and tools too
    "$1" - <<'PROGRAM'
import re, tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
extras = project["optional-dependencies"]
other = {"cuda12", "cuda13", "tpu"}  # jax again, with what this machine may not have
groups = [project["dependencies"], *(v for k, v in extras.items() if k not in other)]
for text in sorted({text for group in groups for text in group}):
    if found := re.fullmatch(r"([A-Za-z0-9._-]+)(\[[a-z,]*\])?>=([0-9.]+)", text):
        print(f"{found[1]}=={found[3]}")
PROGRAM
}

pythons() { # each minor version from 3.11 on that can make virtual environments
    for wanted in 3.11 3.12 3.13 3.14; do
        for python in "$(command -v "python$wanted")" \
            "${PYENV_ROOT:-$HOME/.pyenv}/versions/$wanted."*/bin/python; do
            version=$("$python" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
            [ "$version" = "$wanted" ] && echo "$wanted $python" && break
        done
    done
}

cell() { # name, python, precision, pins
    folder=".venv-matrix-$1"
    if [ -n "${MATRIX_DRY:-}" ]; then
        echo "$1: $2, float$3, $4 versions"
        return 0
    fi
    echo "== $1"
    "$2" -m venv "$folder" || return 1
    case $4 in
        newest) "$folder/bin/python" -m pip -q install -U -e ".[dev]" || return 1 ;;
        locked) "$folder/bin/python" -m pip -q install -c constraints.txt -e ".[dev]" || return 1 ;;
        lowest)
            lowest "$folder/bin/python" > "$folder/lowest.txt" || return 1
            "$folder/bin/python" -m pip -q install -c "$folder/lowest.txt" -e ".[dev]" || return 1
            ;;
    esac
    # shellcheck disable=SC2086 # several paths are meant
    BRAINMASS_TEST_PRECISION=$3 "$folder/bin/python" -m pytest -q ${MATRIX_TESTS:-}
}

failed=""
first=yes
while read -r version python; do
    # The lower bounds are those of the generation that the oldest Python resolves to.
    kinds="locked newest"
    [ $first = yes ] && kinds="lowest locked newest"
    first=no
    for kind in $kinds; do
        for precision in 32 64; do
            [ "$precision" = 64 ] && [ "$kind" != locked ] && continue
            name="$version-$kind-float$precision"
            case "$name" in *"${1:-}"*) cell "$name" "$python" $precision $kind < /dev/null || failed="$failed $name" ;; esac
        done
    done
done <<LIST
$(pythons)
LIST
[ -z "$failed" ] || { echo "test-matrix: failed:$failed" >&2; exit 1; }
