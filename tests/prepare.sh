#!/bin/sh
# Installs what the tests need from the system when it is missing: PostgreSQL's server programs, the data with which
# tesseract reads letters, and two readers of PDF. The tests run a cluster of their own; the one that Debian would make
# and start on installation is not wanted.
set -eu

has_database() { command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
has_letters() { ls /usr/share/tesseract-ocr/*/tessdata/eng.traineddata >/dev/null 2>&1; }
has_pdf_readers() { command -v pdfinfo >/dev/null 2>&1 && command -v qpdf >/dev/null 2>&1; }

if has_database && has_letters && has_pdf_readers; then
    exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    as_root="none"
fi

if [ "$as_root" = "none" ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need PostgreSQL's server, tesseract's English data, poppler and qpdf (Debian: apt-get install postgresql tesseract-ocr-eng poppler-utils qpdf)." >&2
    exit 1
fi

install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >/dev/null
}

$as_root apt-get update -qq
has_letters || install tesseract-ocr-eng
has_pdf_readers || install poppler-utils qpdf
if ! has_database; then
    install postgresql-common
    $as_root sed -i 's/^#*[[:space:]]*create_main_cluster[[:space:]]*=.*/create_main_cluster = false/' \
        /etc/postgresql-common/createcluster.conf
    install postgresql
fi
