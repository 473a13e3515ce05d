#!/bin/sh
# Installs what the tests need from the system when it is missing.
set -eu
