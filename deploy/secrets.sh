#!/bin/sh
# Makes the secrets that compose.yaml needs, beside it: .env (passwords) and the files of secrets/. What is there stays.
# All are for this folder's owner only and ignored by git.
set -eu
cd "$(dirname "$0")"
umask 077

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
key() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }

# A password that a newer version asks for is added to a .env that is there.
touch .env.new
[ ! -e .env ] || cp .env .env.new
for name in REDIS_PASSWORD REDIS_READER_PASSWORD REDIS_API_PASSWORD REDIS_OPERATOR_PASSWORD CLICKHOUSE_PASSWORD CLICKHOUSE_READER_PASSWORD GRAFANA_PASSWORD; do
	if ! grep -q "^$name=" .env.new; then
		echo "$name=$(random)" >>.env.new
		echo "made $name in .env"
	fi
done
mv .env.new .env
echo "Grafana's user is admin, its password GRAFANA_PASSWORD in .env"

# secret NAME writes standard input to secrets/NAME, unless that is there. The container's user must be able to read it;
# the folder around it is closed to everybody else on this machine. Change a secret by writing into its file: containers
# go on seeing the old content of a file that was replaced.
mkdir -p secrets
secret() {
	if [ ! -e "secrets/$1" ]; then
		cat >"secrets/$1.new"
		chmod 644 "secrets/$1.new"
		mv "secrets/$1.new" "secrets/$1"
		echo "made secrets/$1"
	fi
}

# Workers check the signatures of operations with it; the purchaser, the notifier and the command line make them.
echo "k1:$(key)" | secret signing-keys
# The secrets of all webhook endpoints follow from it. Keep a copy: without it every customer needs a new one.
key | secret webhook-master-key
# Sessions of the billing page and sign-in links are sealed with it.
key | secret session-keys
# These come from Stripe and from your mail server. Empty, they are for the sandbox and for webhooks only.
for name in stripe-secret-key stripe-webhook-secrets smtp-password; do
	secret "$name" </dev/null
done
