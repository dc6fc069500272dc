#!/bin/sh
# Makes what docker-compose.yml mounts: passwords for Redis's users, the console's token, the encryption keys, and the API
# key as it comes on stdin. Needs openssl. It never changes a folder that is there: remove that to start anew, but keep
# encryption-keys.json, or what is stored can't be read any more.
#
#   sh examples/production/make-secrets.sh < kitechat-api-key.txt
set -eu
here=$(cd "$(dirname "$0")" && pwd)
users=$here/../../ops/redis-acl/users.acl
secrets=${1:-$here/secrets}

if [ -e "$secrets" ]; then
  echo "$secrets is there already: nothing was changed" >&2
  exit 1
fi
# The folder keeps others on this machine out. In a container a file must be readable by a user who isn't root.
(umask 077 && mkdir "$secrets")
umask 022

cat > "$secrets/kitechat-api-key"
openssl rand -hex 32 > "$secrets/console-token"
printf '{ "%s": "%s" }\n' "$(date +%Y-%m)" "$(openssl rand -base64 32)" > "$secrets/encryption-keys.json"

cp "$users" "$secrets/redis-users.acl"
for role in producer worker operator; do
  password=$(openssl rand -hex 32)
  hash=$(printf %s "$password" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
  sed "s/^user kitechat-$role on /user kitechat-$role on #$hash /" "$secrets/redis-users.acl" > "$secrets/next"
  mv "$secrets/next" "$secrets/redis-users.acl"
  echo "redis://kitechat-$role:$password@redis:6379" > "$secrets/redis-$role-url"
done
# For the health check alone.
echo 'user health on nopass resetchannels -@all +ping' >> "$secrets/redis-users.acl"
echo "made $secrets" >&2
