#!/bin/sh
# make-users.sh SECRETS FOLDER: turns each secret SECRETS/mqtt-NAME into user NAME of mosquitto's FOLDER/passwords.
# No password stands in an argument, where `ps` would show it. Run it again after adding a gateway; then HUP mosquitto.
set -eu
umask 077
secrets=$1 folder=$2
new="$folder/passwords.new"
: > "$new"
for file in "$secrets"/mqtt-*; do
    [ -f "$file" ] || { echo "make-users.sh: no $secrets/mqtt-*; make them: submeter secrets create" >&2; exit 1; }
    printf '%s:%s\n' "${file##*/mqtt-}" "$(cat "$file")" >> "$new"
done
mosquitto_passwd -U "$new"
# in the container this runs as root, mosquitto does not
if [ "$(id -u)" = 0 ] && id mosquitto > /dev/null 2>&1; then
    chown mosquitto "$new"
    chmod 700 "$folder" && chown mosquitto "$folder"
fi
mv "$new" "$folder/passwords"
