#!/bin/sh
# Create the secrets that compose.yaml mounts, in docker/secrets/. Existing ones are kept.
#
# Other users of this machine cannot enter the folder. The files are world-readable, because
# containers mount them without the folder and read them as users unknown to this machine.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

random() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

keep() { # NAME CONTENT: write the file atomically, unless it exists
    [ ! -e "$1" ] || return 0
    printf '%s\n' "$2" > ".$1"
    chmod 444 ".$1"
    mv ".$1" "$1"
}

keep secret_key "$(random)"
keep postgres_password "$(random)"
keep database_password "$(random)"
keep database_url "postgresql://openmemory:$(cat database_password)@postgres:5432/openmemory"
keep valkey_password "$(random)"
keep valkey.conf "requirepass $(cat valkey_password)"
keep redis_url "redis://:$(cat valkey_password)@valkey:6379/0"
