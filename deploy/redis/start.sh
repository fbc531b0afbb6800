#!/bin/sh
# Starts Redis with the users of users.acl.
#
# Environment: DRAWDOWN_PASSWORD, READER_PASSWORD, API_PASSWORD and OPERATOR_PASSWORD, of the users with these names;
# REDIS_SETTINGS, the folder with redis.conf and users.acl (default: the folder of this script).
# Arguments are passed on to redis-server.
#
# The server gets the passwords' digests only. They are written to a file, not to the command line, which every process
# of the machine can read.
set -eu
settings=${REDIS_SETTINGS:-$(dirname "$0")}
umask 077

digest() {
	if [ -z "$2" ]; then
		echo "start.sh: $1 is not set" >&2
		exit 1
	fi
	printf %s "$2" | sha256sum | cut -d ' ' -f 1
}

users=$(mktemp)
drawdown=$(digest DRAWDOWN_PASSWORD "${DRAWDOWN_PASSWORD:-}")
reader=$(digest READER_PASSWORD "${READER_PASSWORD:-}")
api=$(digest API_PASSWORD "${API_PASSWORD:-}")
operator=$(digest OPERATOR_PASSWORD "${OPERATOR_PASSWORD:-}")
sed -e "s/@DRAWDOWN_SHA256@/$drawdown/" -e "s/@READER_SHA256@/$reader/" -e "s/@API_SHA256@/$api/" -e "s/@OPERATOR_SHA256@/$operator/" \
	"$settings/users.acl" >"$users"
unset DRAWDOWN_PASSWORD READER_PASSWORD API_PASSWORD OPERATOR_PASSWORD
exec redis-server "$settings/redis.conf" --aclfile "$users" "$@"
