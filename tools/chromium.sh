#!/bin/sh
# Print the path of a Chromium or Chrome, or nothing and one line of advice on stderr.
# BRAINMASS_CHROMIUM names one. With --install, apt-get fetches one where that needs no password.
set -u

find_chromium() {
    if [ -n "${BRAINMASS_CHROMIUM:-}" ]; then
        command -v "$BRAINMASS_CHROMIUM" && return
        echo "BRAINMASS_CHROMIUM is '$BRAINMASS_CHROMIUM', which is no program; looking elsewhere." >&2
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        command -v "$name" && return
    done
    return 1
}

install_chromium() {
    command -v apt-get >/dev/null || return
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo -n"; $sudo true 2>/dev/null || return; fi
    echo "== Installing Chromium with apt-get" >&2
    { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >&2
}

find_chromium && exit
if [ "${1:-}" = --install ]; then
    install_chromium
    find_chromium && exit
fi
echo "No Chromium found, so the browser tests were not run. Install one (Debian: apt-get install chromium) or set BRAINMASS_CHROMIUM to its path." >&2
