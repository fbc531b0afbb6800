#!/bin/sh
# Makes the secrets that compose.yaml needs, beside it: .env (passwords) and secrets/signing-keys. What is there stays.
# Both are for this folder's owner only and ignored by git.
set -eu
cd "$(dirname "$0")"
umask 077

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

if [ ! -e .env ]; then
	for name in REDIS_PASSWORD REDIS_READER_PASSWORD REDIS_OPERATOR_PASSWORD CLICKHOUSE_PASSWORD CLICKHOUSE_READER_PASSWORD GRAFANA_PASSWORD; do
		echo "$name=$(random)"
	done >.env.new
	mv .env.new .env
	echo "made .env; Grafana's user is admin, its password GRAFANA_PASSWORD in there"
fi

# Workers check the signatures of operations with this file, the command line makes them. The container's user must be
# able to read it; the folder around it is closed to everybody else on this machine.
if [ ! -e secrets/signing-keys ]; then
	mkdir -p secrets
	echo "k1:$(head -c 32 /dev/urandom | base64 | tr -d '\n')" >secrets/signing-keys.new
	chmod 444 secrets/signing-keys.new
	mv secrets/signing-keys.new secrets/signing-keys
	echo "made secrets/signing-keys"
fi
